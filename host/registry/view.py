"""The hooks of one call: every plugin, and exactly one persona.

pluggy's `subset_hook_caller` builds such a view, but each hook call skips the excluded personas one
by one. With hundreds of personas in one manager that costs a call a millisecond, so personas are
registered in batches: each batch has a manager with the host's defaults and all plugins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import FunctionType, MethodType, ModuleType
from typing import Any

import pluggy

from host.call import hooks as hookspecs
from host.registry import defaults
from host.registry.found import Persona, Plugin
from host.registry.hooks import HOOKS

BATCH_SIZE = 8
"""Personas in one plugin manager."""
_PROJECT = "host"
_HOOKABLE = FunctionType, MethodType, staticmethod, classmethod
"""What pluggy takes for a hook where it is marked as one."""


class View:
    """The hooks of one call: `view.greeting(call=call)` calls its persona, then the plugins."""

    def __init__(
        self,
        persona: str | None,
        manager: pluggy.PluginManager,
        excluded: Iterable[ModuleType],
        own: ModuleType | None = None,
    ) -> None:
        self.persona = persona
        self._manager = manager
        self._excluded = tuple(excluded)
        self._own = own

    def __getattr__(self, hook: str) -> pluggy.HookCaller:
        """Create the hook's caller on first use."""
        if hook not in HOOKS:
            raise AttributeError(f"there is no hook {hook}()")
        caller = self._manager.subset_hook_caller(hook, self._excluded)
        self.__dict__[hook] = caller
        return caller

    def in_turn(self, hook: str) -> Sequence[pluggy.HookCaller]:
        """Return two callers of a hook: the plugins', then the persona's."""
        if self._own is None:
            return [getattr(self, hook)]
        others = [each for each in self._manager.get_plugins() if each is not self._own]
        without = [(*self._excluded, self._own), others]
        return [self._manager.subset_hook_caller(hook, each) for each in without]

    def of_those_without(self, missing: str, hook: str) -> pluggy.HookCaller:
        """Return the caller of `hook` for the personas and plugins that have no `missing`."""
        implemented = getattr(self._manager.hook, missing).get_hookimpls()
        having = (implementation.plugin for implementation in implemented)
        return self._manager.subset_hook_caller(hook, {*self._excluded, *having})


class Views:
    """The views of all personas, and one without a persona."""

    def __init__(self, plugins: Sequence[Plugin], personas: Sequence[Persona]) -> None:
        self._plugins = plugins
        self._plugin_manager = build_plugin_manager(plugins, ())
        self._made: dict[str | None, View] = {None: View(None, self._plugin_manager, ())}
        self._batches: dict[str, tuple[pluggy.PluginManager, tuple[Persona, ...]]] = {}
        self.choosers = self.each_plugin("choose_persona")
        """Plugins that implement `choose_persona`, each with its own caller."""
        for at in range(0, len(personas), BATCH_SIZE):
            batch = tuple(personas[at : at + BATCH_SIZE])
            manager = build_plugin_manager(plugins, batch)
            self._batches.update({persona.name: (manager, batch) for persona in batch})

    def of(self, persona: str | None) -> View:
        """Return the persona's view; None: the plugins'. Raises KeyError if it is not loaded."""
        if view := self._made.get(persona):
            return view
        assert persona is not None
        manager, batch = self._batches[persona]
        excluded = (other.module for other in batch if other.name != persona)
        own = next(each.module for each in batch if each.name == persona)
        return self._made.setdefault(persona, View(persona, manager, excluded, own))

    def who_has(self, hook: str) -> list[str]:
        """List the implementers of a hook, as `persona NAME`, `plugin NAME` or `host`."""
        managers = [self._plugin_manager, *(manager for manager, _ in self._batches.values())]
        names = {
            impl.plugin_name
            for manager in managers
            for impl in getattr(manager.hook, hook).get_hookimpls()
        }
        return sorted(names, key=lambda name: (name == "host", name))

    def each_plugin(self, hook: str) -> list[tuple[str, pluggy.HookCaller]]:
        """Return the plugins that implement a hook, each with its own caller, in calling order."""
        manager = self._plugin_manager
        asked = dict.fromkeys(
            impl.plugin for impl in reversed(getattr(manager.hook, hook).get_hookimpls())
        )
        names = {plugin.module: plugin.name for plugin in self._plugins}
        return [
            (names[module], manager.subset_hook_caller(hook, asked.keys() - {module}))
            for module in asked
            if module in names
        ]


class _PluginManager(pluggy.PluginManager):
    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        """Skip what is no hook, as most names of a module: pluggy takes long for each."""
        if isinstance(plugin, ModuleType) and name in vars(plugin):
            value = vars(plugin)[name]
            if not isinstance(value, _HOOKABLE):
                return None
            if isinstance(value, FunctionType) and f"{_PROJECT}_impl" not in vars(value):
                return None
        return super().parse_hookimpl_opts(plugin, name)


def build_plugin_manager(
    plugins: Iterable[Plugin], personas: Iterable[Persona]
) -> pluggy.PluginManager:
    """Register the defaults, plugins and personas. pluggy calls the last registered first."""
    manager = _PluginManager(_PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(defaults, "host")
    for plugin in plugins:
        manager.register(plugin.module, f"plugin {plugin.name}")
    for persona in personas:
        manager.register(persona.module, f"persona {persona.name}")
    return manager
