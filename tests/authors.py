"""The examples of README and of the pages for authors, run as an author runs them."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tomllib
from pathlib import Path

from deployment import HERE
from programs import without_pytest

from host.local.process import bare_environment

PAGES = HERE.parent / "docs"
AUTHORS = "\n".join((PAGES / name).read_text() for name in ("authors.md", "persona-tests.md"))
"""How personas and plugins are written, and how they are tested."""
VOICES = (PAGES / "voices.md").read_text()
README = (HERE.parent / "README.md").read_text()


def examples(page: str) -> list[str]:
    """The Python examples of a page, in order."""
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


def example(page: str, file: str) -> str:
    """The Python example of a page that begins with the name of this file."""
    [found] = [each for each in examples(page) if each.startswith(f"# {file}\n")]
    return found


def write_deployment(folder: Path) -> None:
    """Write the persona and the plugin of docs/authors.md, as an author does."""
    dentist, _, crm, *_ = examples(AUTHORS)
    (folder / "personas").mkdir()
    (folder / "plugins").mkdir()
    (folder / "personas" / "dentist.py").write_text(dentist)
    (folder / "plugins" / "crm.py").write_text(crm)


def install_plugin(folder: Path) -> Path:
    """Write the metadata of a host that is installed with its pytest plugin; give the folder.

    That of a clone may have been installed before it had one, and twice is as good as once.
    """
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    ((name, module),) = project["entry-points"]["pytest11"].items()
    metadata = folder / "host_as_installed-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: host-as-installed\nVersion: 1\n"
    )
    (metadata / "entry_points.txt").write_text(f"[pytest11]\n{name} = {module}\n")
    return folder


async def run_pytest(
    folder: Path, *, returns: int = 0, installed: Path | None = None, **environment: str
) -> str:
    """Run the tests of a folder; `installed` has further packages."""
    places = [str(HERE.parent), *([str(installed)] if installed else [])]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)),
        cwd=folder,
        env={
            **without_pytest(bare_environment()),
            "PYTHONPATH": os.pathsep.join(places),
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 110)
    assert process.returncode == returns, out.decode()
    return out.decode()
