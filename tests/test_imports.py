"""Imports point one way, and LiveKit is imported late."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import HERE
from programs import printed_by

import host

ROOT = HERE.parent

LAYERS = (
    {"__main__"},
    {"cli", "testing"},
    {"serve", "chat", "show", "calls", "preload"},
    {"purge", "stopping"},
    {"api", "desk", "health", "rescue", "tell"},
    {"worker"},
    {"aftermath", "ending", "takeover", "voicemail"},
    {"handover", "journal"},
    {"dead_air", "dial", "place", "limits", "one_agent"},
    {"watching"},
    {"greeting"},
    {"session"},
    {"apology"},
    {"line", "beep", "fallbacks", "first_words", "notice", "recording", "sounds"},
    {"registry", "call", "details"},
    {"defaults", "keypad", "lifeline"},
    {"dispatch", "hookspecs"},
    {"access", "environment", "gate", "logs", "redaction", "requests"},
    {"budget"},
    {"settings"},
    {"answers", "caller", "data", "metadata", "record"},
    {"connection", "errors", "outcome", "outside", "private", "processes"},
    {"rooms", "sight", "state", "tasks"},
)
"""The modules of the host: each imports only from the layers below its own."""

WITHOUT_LIVEKIT = (
    "host",
    "host.answers",
    "host.call",
    "host.calls.commands",
    "host.cli",
    "host.defaults",
    "host.dispatch",
    "host.errors",
    "host.hookspecs",
    "host.outcome",
    "host.record",
    "host.registry",
    "host.settings",
    "host.show",
)

MODULES = sorted(
    path.stem
    for path in (ROOT / "host").iterdir()
    if path.name not in ("__init__.py", "__pycache__", "local")
    and (path.suffix == ".py" or (path / "__init__.py").is_file())
)


def files_of(module: str) -> list[Path]:
    """Return the files of a module of the host, of which a folder has several."""
    path = ROOT / "host" / module
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def imports(file: Path) -> Iterator[str]:
    """Find every import of a file that happens when it runs, at whatever depth it stands."""
    for node in running(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree, passing over what stands under `if TYPE_CHECKING:`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from (other, *running(other))
            continue
        yield child
        yield from running(child)


def layer(module: str) -> int:
    """Return how far down a module is; 0 is the top."""
    return next((at for at, modules in enumerate(LAYERS) if module in modules), -1)


def parts_of_the_host(file: Path) -> set[str]:
    """Return the modules of the host that a file imports."""
    return {
        name.split(".")[1]
        for name in imports(file)
        if name.startswith("host.") and name.split(".")[1] in {*MODULES, "local"}
    }


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_place(module: str) -> None:
    assert layer(module) >= 0, f"give host/{module} a place in LAYERS, and in README's map"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_the_layers_below(module: str) -> None:
    for file in files_of(module):
        upwards = {
            other
            for other in parts_of_the_host(file) - {module, "local"}
            if layer(other) <= layer(module)
        }
        assert not upwards, f"{file.relative_to(ROOT)} imports {upwards}"


@pytest.mark.parametrize("module", [name for name in MODULES if name not in ("cli", "testing")])
def test_only_the_commands_and_the_fixtures_import_the_local_world(module: str) -> None:
    for file in files_of(module):
        assert "local" not in parts_of_the_host(file), file


@pytest.mark.parametrize(
    "file",
    [
        file
        for folder in ("plugins", "personas", "tests/plugins", "tests/personas")
        for file in sorted((ROOT / folder).rglob("*.py"))
    ],
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_a_persona_or_plugin_imports_of_the_host_only_what_is_public(file: Path) -> None:
    allowed = {"host", *(f"host.{name}" for name in host.__all__)}
    found = {name for name in imports(file) if name.split(".")[0] == "host"}
    assert found <= allowed, f"{found - allowed}"
    assert not {name for name in imports(file) if name.split(".")[0] in ("personas", "plugins")}


def test_public_names_are_what_the_host_exports() -> None:
    assert sorted(host.__all__) == list(host.__all__)
    assert all(hasattr(host, name) for name in host.__all__)


@pytest.mark.processes
def test_importing_these_does_not_import_livekit() -> None:
    code = f"""
        import importlib, sys
        for module in {WITHOUT_LIVEKIT}:
            importlib.import_module(module)
            if any(name.startswith("livekit") for name in sys.modules):
                sys.exit(f"{{module}} imports it")
    """
    assert printed_by(code, cwd=ROOT) == ""
