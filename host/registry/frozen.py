"""The registry: loaded once, validated as a whole, then immutable."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from host.base.errors import PersonaError
from host.call.dispatch import Dispatch
from host.registry.code import Code
from host.registry.found import Broken, Persona, Plugin, describe, one_line, shown
from host.registry.routes import Choice, Routes
from host.registry.view import View, Views
from host.settings import Settings

if TYPE_CHECKING:
    import typer


@dataclass(frozen=True)
class Registry:
    """The valid personas and plugins of a deployment, and the faults of the others."""

    personas: Mapping[str, Persona]
    plugins: Sequence[Plugin]
    broken: Sequence[Broken]
    routes: Routes
    views: Views = field(repr=False)
    personas_dir: str
    plugins_dir: str
    disabled: frozenset[str] = frozenset()
    """Plugins not in use: disabled by a setting, or broken."""
    rejected: frozenset[str] = frozenset()
    """Personas and plugins with faults, as `persona NAME` or `plugin NAME`."""
    code: Code = field(default_factory=Code, repr=False)
    """What they were loaded from."""

    def require(self) -> Registry:
        """Return the registry itself. Raises PersonaError if it has no valid persona."""
        if self.personas:
            return self
        from pathlib import Path

        from host.registry.find import installed

        packages = list(installed("persona"))
        first = None
        for fault in self.broken:  # others do not explain a missing persona
            file = Path(fault.file)
            packaged = any(package.holds(str(file.absolute())) for package in packages)
            if packaged or file.is_relative_to(self.personas_dir):
                first = fault
                break
        if first is None:
            elsewhere = " (elsewhere something is broken: python -m host personas)"
            raise PersonaError(
                f"there is no persona in {self.personas_dir}{elsewhere if self.broken else ''}"
            )
        others = len(self.broken) - 1
        more = f" (and {others} more: python -m host personas)" if others else ""
        raise PersonaError(f"there is no good persona: {first}{more}")

    def view(self, persona: str | None) -> View:
        """Return the hooks for a persona's calls; None: the plugins' hooks alone.

        Raises PersonaError if the persona is not loaded.
        """
        try:
            return self.views.of(persona)
        except KeyError:
            raise PersonaError(f"there is no persona {persona!r}") from None

    def choose(self, dispatch: Dispatch) -> Choice:
        """Choose a call's persona: `choose_persona` of the plugins, then the routes."""
        for plugin, ask in self.views.choosers:
            try:
                persona = ask(dispatch=dispatch, personas=tuple(self.personas))
            except Exception as error:
                return Choice(None, None, f"plugin {plugin} failed: {_where(error)}")
            if persona is None:
                continue
            if not isinstance(persona, str) or persona not in self.personas:
                answer = one_line(repr(persona), 80)
                return Choice(None, None, f"plugin {plugin} chose {answer}, which is not loaded")
            return Choice(persona, plugin, f"plugin {plugin} chose {persona}")
        return self.routes.choose(dispatch)

    def commands(self, cli: typer.Typer) -> list[Broken]:
        """Let each plugin add its commands; return the faults."""
        faults = []
        for plugin, add in self.views.each_plugin("register_commands"):
            try:
                add(cli=cli)
            except Exception as error:
                file = next(found.file for found in self.plugins if found.name == plugin)
                faults.append(Broken(file, None, f"register_commands() failed: {_where(error)}"))
        return faults


Use = Callable[[Settings, Registry], None]
"""Serves later calls with new settings and a new registry."""
Follow = Callable[[Use], None]
"""Has a `Use` called by every reload."""


def _where(error: Exception) -> str:
    """Return where an exception was raised and what it says, on one line."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{shown(place.filename)}:{place.lineno}: {describe(error)}"
