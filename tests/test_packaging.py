"""The wheel: what is in it, what it needs, and that it works where there is no checkout."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import HERE
from programs import printed_by
from syntax import parsed
from wheels import build

import host
from host.cli.new.files import TEMPLATES
from host.local.process import bare_environment

ROOT = HERE.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OF = {
    ROOT / "host" / "call" / "mcp": "mcp",
    ROOT / "host" / "local": "local",
    ROOT / "plugins" / "recordings": "recordings",
    ROOT / "host" / "testing": "testing",
    ROOT / "host" / "cli" / "new" / "templates": "testing",  # tests of a user's project
}
"""Which extra a folder may import of."""
HELLO = '''"""Hello: says hello."""
from host import hookimpl

@hookimpl
def instructions(call):
    return "Say hello."
'''


def distributions(*extras: str) -> set[str]:
    """What is installed with these extras, by name."""
    wanted = [*PROJECT["dependencies"]]
    for extra in extras:
        wanted += PROJECT["optional-dependencies"][extra]
    return {re.split(r"[^\w.-]", each)[0].lower() for each in wanted}


def imported(file: Path) -> Iterator[str]:
    """Every module that a file imports from elsewhere."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@functools.cache
def providers_of(module: str) -> set[str]:
    """The distributions that have this module: several share `livekit` and `google`."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        path = "/".join(parts[:length])
        if found := {
            name
            for name, files in files_of_all().items()
            if f"{path}.py" in files or f"{path}/__init__.py" in files or f"{path}.so" in files
        }:
            return found
    return {
        each.lower().replace("_", "-")
        for each in importlib.metadata.packages_distributions().get(parts[0], [])
    }


@functools.cache
def files_of_all() -> dict[str, set[str]]:
    """The files of each distribution that is installed."""
    return {
        re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(): {*map(str, one.files or ())}
        for one in importlib.metadata.distributions()
    }


@pytest.mark.parametrize("folder", ["host", "plugins", "personas"])
def test_every_import_is_declared(folder: str) -> None:
    undeclared = set()
    for file in (ROOT / folder).rglob("*.py"):
        extra = next((name for inside, name in OF.items() if inside in file.parents), "")
        known = distributions(*({"local", extra} if extra else ()))
        for module in imported(file):
            if module.split(".")[0] in {*sys.stdlib_module_names, "host"}:
                continue
            if not providers_of(module) & known:
                undeclared.add(f"{file.relative_to(ROOT)}: {module}")
    assert undeclared == set()


def test_the_version_is_that_of_the_changelog() -> None:
    first = re.search(r"^## (\d+\.\d+\.\d+) \(\d{4}-\d\d-\d\d\)$", CHANGELOG, re.MULTILINE)
    assert first
    assert host.__version__ == PROJECT["version"] == first[1]


CHANGELOG = (ROOT / "CHANGELOG.md").read_text()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The host's wheel."""
    return build(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.mark.processes
def test_nothing_but_the_host_is_top_level_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    version = PROJECT["version"]
    assert {name.split("/")[0] for name in names} == {"host", f"host-{version}.dist-info"}
    assert {"host/py.typed", "host/_plugins/deepgram.py", "host/_personas/reminder.py"} <= set(
        names
    )
    console = (ROOT / "host" / "server" / "console").rglob("*.*")
    shown = {str(file.relative_to(ROOT)) for file in console if file.suffix != ".pyc"}
    assert {"host/server/console/static/vendor/htmx.min.js"} < shown <= set(names)
    templates = {f"host/cli/new/templates/{file.name}" for file in TEMPLATES.glob("[!_]*")}
    assert {f"host/cli/new/templates/{name}" for name in ("env", "gitignore")} <= templates
    assert templates <= set(names)


@pytest.mark.processes
def test_the_wheel_serves_a_folder_of_ones_own_and_nothing_else(
    wheel: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(site)
    mine = tmp_path / "mine"
    (mine / "personas").mkdir(parents=True)
    (mine / "personas" / "hello.py").write_text(HELLO)
    environment = {**bare_environment(), "PYTHONPATH": str(site)}
    where = printed_by("import host; print(host.__file__)", env=environment, cwd=mine)
    assert Path(where.strip()).is_relative_to(site)
    shown = subprocess.run(
        [sys.executable, "-m", "host", "personas"],
        cwd=mine,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.startswith(
        "Personas in personas\n  hello  personas/hello.py  Hello: says hello.\n\n"
        "Plugins in plugins\n  none\n\nBundled plugins\n  call_database, call_log"
    )
