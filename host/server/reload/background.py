"""The parent's background tasks, which a reload restarts where it concerns them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from host.base.tasks import Tasks
from host.registry import Plugin, Registry
from host.server.retention import purge_daily
from host.settings import Settings
from host.speech.prompts import keep_sounds

STOP_LIMIT = 5.0
"""Seconds that a task may take to stop."""

Work = Callable[[], Coroutine[Any, Any, Any]]


class Background:
    """The prompts on disk, the daily purge, and `while_serving` of each plugin."""

    def __init__(self, *always: Work) -> None:
        """`always` run, too, and are not restarted."""
        self._tasks, self._always = Tasks(), always
        self._running: dict[str, tuple[object, asyncio.Task[None]]] = {}

    def use(self, settings: Settings, loaded: Registry) -> None:
        """Start what is to run; restart what ran with other settings or code. Failures are logged.

        A plugin's task goes on if neither its code nor its own settings have changed.
        """
        wanted: dict[str, tuple[object, Work]] = {
            "rendering prompts": ((settings, loaded.code.files), partial(keep_sounds, settings)),
            "the daily purge": (settings, partial(purge_daily, settings)),
            **{f"background task {at}": (None, work) for at, work in enumerate(self._always)},
        }
        plugins = {plugin.name: plugin for plugin in loaded.plugins}
        for name, ask in loaded.views.each_plugin("while_serving"):
            depends = _depends(plugins[name], settings, loaded)
            wanted[f"while_serving of {name}"] = depends, partial(_serving, ask, settings)
        for what in self._running.keys() - wanted.keys():
            self._running.pop(what)[1].cancel()
        for what, (depends, work) in wanted.items():
            had = self._running.get(what)
            if had is None or had[0] != depends:
                task = self._tasks.start(_after(had[1] if had else None, work), what)
                self._running[what] = depends, task

    async def stop(self) -> None:
        """Stop all tasks."""
        await self._tasks.stop(STOP_LIMIT)


async def _after(before: asyncio.Task[None] | None, work: Work) -> None:
    """Run a task once the one that it replaces has stopped: both may want the same port."""
    if before is not None:
        before.cancel()
        await asyncio.wait({before}, timeout=STOP_LIMIT)
        del before
    running = work()
    del work  # it has the hooks of a registry, which a later reload replaces
    await running


async def _serving(ask: Callable[..., list[Coroutine[Any, Any, None]]], settings: Settings) -> None:
    works = ask(settings=settings)
    del ask, settings
    await asyncio.gather(*works)


def _depends(plugin: Plugin, settings: Settings, loaded: Registry) -> object:
    """Return what a plugin's task depends on, to be compared."""
    own = [(name, table.plugins.get(plugin.name)) for name, table in settings.personas.items()]
    tables = (settings.plugin_table(plugin.name), [each for each in own if each[1]])
    code = loaded.code.below(settings.plugins_dir)
    file = plugin.module.__file__
    # A module of an installed package, or a bundled one, stays the same.
    return tables, code if file in code else id(plugin.module)
