"""Whom a call asks: every plugin, and exactly one persona.

pluggy's `subset_hook_caller` makes such a view, and every use of it passes over the personas that
are left out. With hundreds in one manager that costs a call a millisecond, so the personas are
seated at tables of a few, each a manager with the host's answers and all plugins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import ModuleType

import pluggy

from host.call import hooks as hookspecs
from host.registry import defaults
from host.registry.found import Persona, Plugin
from host.registry.hooks import HOOKS

SEATS = 8
"""Personas at one table."""


class View:
    """The hooks of one call: `view.greeting(call=call)` asks its persona, then the plugins."""

    def __init__(
        self,
        persona: str | None,
        table: pluggy.PluginManager,
        silent: Iterable[ModuleType],
        own: ModuleType | None = None,
    ) -> None:
        self.persona = persona
        self._table = table
        self._silent = tuple(silent)
        self._own = own

    def __getattr__(self, hook: str) -> pluggy.HookCaller:
        """Make the caller of a hook when it is first asked for."""
        if hook not in HOOKS:
            raise AttributeError(f"there is no hook {hook}()")
        caller = self._table.subset_hook_caller(hook, self._silent)
        self.__dict__[hook] = caller
        return caller

    def in_turn(self, hook: str) -> Sequence[pluggy.HookCaller]:
        """Return two callers of a hook: of the plugins, and of the persona."""
        if self._own is None:
            return [getattr(self, hook)]
        others = [each for each in self._table.get_plugins() if each is not self._own]
        without = [(*self._silent, self._own), others]
        return [self._table.subset_hook_caller(hook, each) for each in without]


class Views:
    """The view of every persona, and of none."""

    def __init__(self, plugins: Sequence[Plugin], personas: Sequence[Persona]) -> None:
        self._plugins = plugins
        self._table_of_plugins = build_plugin_manager(plugins, ())
        self._made: dict[str | None, View] = {None: View(None, self._table_of_plugins, ())}
        self._tables: dict[str, tuple[pluggy.PluginManager, tuple[Persona, ...]]] = {}
        self.choosers = self.each_plugin("choose_persona")
        """Plugins that may choose a call's persona, each with a caller for it alone."""
        for at in range(0, len(personas), SEATS):
            seated = tuple(personas[at : at + SEATS])
            table = build_plugin_manager(plugins, seated)
            self._tables.update({persona.name: (table, seated) for persona in seated})

    def of(self, persona: str | None) -> View:
        """Return the view of a persona. Raises KeyError for one that is not loaded."""
        if view := self._made.get(persona):
            return view
        assert persona is not None
        table, seated = self._tables[persona]
        silent = (other.module for other in seated if other.name != persona)
        own = next(each.module for each in seated if each.name == persona)
        return self._made.setdefault(persona, View(persona, table, silent, own))

    def who_has(self, hook: str) -> list[str]:
        """Name everyone who has a hook, as `persona NAME`, `plugin NAME` or `host`."""
        tables = [self._table_of_plugins, *(table for table, _ in self._tables.values())]
        names = {
            impl.plugin_name
            for table in tables
            for impl in getattr(table.hook, hook).get_hookimpls()
        }
        return sorted(names, key=lambda name: (name == "host", name))

    def each_plugin(self, hook: str) -> list[tuple[str, pluggy.HookCaller]]:
        """Return the plugins that have a hook, each with its caller, first asked first."""
        table = self._table_of_plugins
        asked = dict.fromkeys(
            impl.plugin for impl in reversed(getattr(table.hook, hook).get_hookimpls())
        )
        names = {plugin.module: plugin.name for plugin in self._plugins}
        return [
            (names[module], table.subset_hook_caller(hook, asked.keys() - {module}))
            for module in asked
            if module in names
        ]


def build_plugin_manager(
    plugins: Iterable[Plugin], personas: Iterable[Persona]
) -> pluggy.PluginManager:
    """Seat plugins and personas. Who comes last is asked first: a persona, then the plugins."""
    table = pluggy.PluginManager("host")
    table.add_hookspecs(hookspecs)
    table.register(defaults, "host")
    for plugin in plugins:
        table.register(plugin.module, f"plugin {plugin.name}")
    for persona in personas:
        table.register(persona.module, f"persona {persona.name}")
    return table
