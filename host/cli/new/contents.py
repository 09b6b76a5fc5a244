"""Which files make up a persona, a plugin and a project: path to text."""

from __future__ import annotations

from pathlib import Path

from host.cli.new.files import rendered
from host.cli.new.names import distribution, title

Files = dict[Path, str]

FIRST = "receptionist"
"""The persona of a new project."""
TESTS = Path("tests")


def persona_files(
    name: str, personas: Path, *, outbound: bool = False, company: str = "", root: Path = Path()
) -> Files:
    """Return a persona in the folder `personas`, its rules, and its test below `root`.

    `company` is whom it speaks for; by default, its own name.
    """
    values = {"name": name, "title": title(name), "company": company or title(name)}
    kind = "outbound" if outbound else "persona"
    return {
        personas / f"{name}.py": rendered(f"{kind}.py", values),
        personas / f"{name}.rules.toml": rendered(f"{kind}.rules.toml", values),
        root / TESTS / f"test_{name}.py": rendered(f"test_{kind}.py", values),
    }


def plugin_files(name: str, plugins: Path) -> Files:
    """Return a plugin in the folder `plugins`, and its test."""
    values = {"name": name, "title": title(name)}
    return {
        plugins / f"{name}.py": rendered("plugin.py", values),
        TESTS / f"test_{name}.py": rendered("test_plugin.py", values),
    }


def project_files(folder: Path, version: str) -> Files:
    """Return a project with one persona, for this version of the host."""
    values = {
        "name": FIRST,
        "company": title(folder.absolute().name),
        "distribution": distribution(folder.absolute().name),
        "version": version,
    }
    names = {
        "README.md": "README.md",
        "pyproject.toml": "project.toml",
        "host.toml": "host.toml",
        ".env": "env",
        ".gitignore": "gitignore",
    }
    return {
        **{folder / name: rendered(template, values) for name, template in names.items()},
        **persona_files(FIRST, folder / "personas", company=values["company"], root=folder),
        folder / "plugins" / ".gitkeep": "",  # git keeps no empty folder
    }
