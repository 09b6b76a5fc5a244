"""Serves the console in the host's own process and event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from host.registry import Follow, Registry
from host.server.api.checking import Checker
from host.server.console.app import make_console
from host.server.console.context import Console
from host.server.console.forms import LONGEST_UPLOAD
from host.server.events import Changes
from host.server.http import listen, serving
from host.server.http.protocol import LONGEST_HEAD, Protocol
from host.settings import Settings

log = logging.getLogger("host")


class _Protocol(Protocol):
    longest_request = LONGEST_UPLOAD + LONGEST_HEAD  # the guard reads so much for a session alone


@contextlib.asynccontextmanager
async def answering_console(
    settings: Settings,
    loaded: Registry,
    *,
    watched: Callable[[str], bool] | None = None,
    follow: Follow = lambda use: None,
    changes: Changes | None = None,
    checker: Checker | None = None,
) -> AsyncIterator[None]:
    """Serve the console inside the block. Port 0 is any free port, which the log shows.

    `watched` and `follow` are those of `answering_api`. `changes` tells of those in live calls; it
    is closed at the end. `checker` checks the rows of campaigns; None: one of its own. Raises
    SettingsError if the address can't be used.
    """
    port = settings.console_port or 0
    listening = listen("the console", "HOST_CONSOLE_PORT", settings.console_host, port)
    console = Console(settings, loaded, watched, changes, checker)
    follow(console.use)
    warming = asyncio.create_task(_warm(console), name="indexing the call log")
    try:
        app = make_console(console)
        async with serving("the console", app, listening, protocol=_Protocol):
            try:
                yield
            finally:
                console.changes.close()
    finally:
        await asyncio.gather(warming, return_exceptions=True)
        console.campaigns.close()
        if checker is None:
            await console.checker.close()


async def _warm(console: Console) -> None:
    """Index the call log before the first request."""
    try:
        await asyncio.to_thread(console.index.rows, "SELECT 1", {})
    except OSError as error:
        log.warning("console: %s", error)
