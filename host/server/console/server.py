"""Serves the console in the host's own process and event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from host.registry import Follow, Registry
from host.server.console.app import make_console
from host.server.console.context import Console
from host.server.events import Changes
from host.server.http import listen, serving
from host.settings import Settings

log = logging.getLogger("host")


@contextlib.asynccontextmanager
async def answering_console(
    settings: Settings,
    loaded: Registry,
    *,
    watched: Callable[[str], bool] | None = None,
    follow: Follow = lambda use: None,
    changes: Changes | None = None,
) -> AsyncIterator[None]:
    """Serve the console inside the block. Port 0 is any free port, which the log shows.

    `watched` and `follow` are those of `answering_api`. `changes` tells of those in live calls; it
    is closed at the end. Raises SettingsError if the address can't be used.
    """
    port = settings.console_port or 0
    listening = listen("the console", "HOST_CONSOLE_PORT", settings.console_host, port)
    console = Console(settings, loaded, watched, changes)
    follow(console.use)
    warming = asyncio.create_task(_warm(console), name="indexing the call log")
    try:
        async with serving("the console", make_console(console), listening):
            try:
                yield
            finally:
                console.changes.close()
    finally:
        await asyncio.gather(warming, return_exceptions=True)


async def _warm(console: Console) -> None:
    """Index the call log before the first request."""
    try:
        await asyncio.to_thread(console.index.rows, "SELECT 1", {})
    except OSError as error:
        log.warning("console: %s", error)
