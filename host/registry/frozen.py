"""The registry: loaded once, checked whole, and then never changed."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from host.base.errors import PersonaError
from host.call.dispatch import Dispatch
from host.registry.found import Broken, Persona, Plugin, one_line, shown, told
from host.registry.routes import Choice, Routes
from host.registry.view import View, Views

if TYPE_CHECKING:
    import typer


@dataclass(frozen=True)
class Registry:
    """The good personas and plugins of a deployment, and what is wrong with the others."""

    personas: Mapping[str, Persona]
    plugins: Sequence[Plugin]
    broken: Sequence[Broken]
    routes: Routes
    views: Views = field(repr=False)
    personas_dir: str
    plugins_dir: str
    disabled: frozenset[str] = frozenset()
    """Plugins that are set aside: by a setting, or because they are broken."""

    def require(self) -> Registry:
        """Return the registry if it has a persona. Raises PersonaError."""
        if self.personas:
            return self
        from pathlib import Path

        from host.registry.find import installed

        packages = list(installed("persona"))
        first = None
        for fault in self.broken:  # a broken plugin or table is not why no persona is good
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
        """Return the hooks of a persona's calls; of plugins alone for None.

        Raises PersonaError for a persona that is not loaded.
        """
        try:
            return self.views.of(persona)
        except KeyError:
            raise PersonaError(f"there is no persona {persona!r}") from None

    def choose(self, dispatch: Dispatch) -> Choice:
        """Choose the persona of a call: plugins first, then the four rules."""
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
        """Let each plugin add its commands; returns what went wrong."""
        faults = []
        for plugin, add in self.views.each_plugin("register_commands"):
            try:
                add(cli=cli)
            except Exception as error:
                file = next(found.file for found in self.plugins if found.name == plugin)
                faults.append(Broken(file, None, f"register_commands() failed: {_where(error)}"))
        return faults


def _where(error: Exception) -> str:
    """Say what an exception was and where it came from, in one line."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{shown(place.filename)}:{place.lineno}: {told(error)}"
