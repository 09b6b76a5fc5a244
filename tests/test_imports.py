"""LiveKit is imported late, and personas and plugins import what is public."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import HERE
from programs import printed_by
from syntax import parsed

import host

ROOT = HERE.parent

WITHOUT_LIVEKIT = (
    "host",
    "host.call.answers",
    "host.call.call",
    "host.cli.calls.commands",
    "host.cli.provision.command",
    "host.cli",
    "host.registry.defaults",
    "host.call.dispatch",
    "host.base.errors",
    "host.call.hooks",
    "host.records.outcome",
    "host.records.record",
    "host.registry",
    "host.settings",
    "host.cli.show",
)
WITHOUT_AGENTS = (
    "host.dispatch.place",
    "host.server.emit_call_ended",
    "host.local.world",
)
"""What commands and helpers run: importing `livekit.agents` takes a second."""


def imports(file: Path) -> Iterator[str]:
    """Find every import of a file that happens when it runs, at whatever depth it stands."""
    for node in running(parsed(file)):
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
@pytest.mark.parametrize(
    ("modules", "library"), [(WITHOUT_LIVEKIT, "livekit"), (WITHOUT_AGENTS, "livekit.agents")]
)
def test_importing_these_does_not_import_livekit(modules: tuple[str, ...], library: str) -> None:
    code = f"""
        import importlib, sys
        for module in {modules}:
            importlib.import_module(module)
            if any(name.startswith("{library}") for name in sys.modules):
                sys.exit(f"{{module}} imports it")
    """
    assert printed_by(code, cwd=ROOT) == ""
