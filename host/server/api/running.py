"""Runs what places calls for others, for as long as the host serves, also without the HTTP API."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable

from host.base.errors import SettingsError
from host.base.tasks import Tasks
from host.registry import Follow
from host.server.api.placing import Placing
from host.settings import Settings

STOP_LIMIT = 5.0
"""Seconds that a look at the schedule may take when the host stops."""


@contextlib.asynccontextmanager
async def placing_calls(
    settings: Settings,
    closed: Callable[[], str | None],
    *,
    dev: bool = False,
    follow: Follow = lambda use: None,
) -> AsyncIterator[Placing]:
    """Go on with the calls of the last run, and place scheduled ones, inside the block.

    `closed` tells why the host takes no calls; scheduled ones wait meanwhile. Raises SettingsError
    if the state_dir can't be used.
    """
    placing, tasks = Placing(settings, dev=dev), Tasks()
    follow(placing.use)
    try:
        await placing.resume()
    except (OSError, sqlite3.Error) as error:
        raise SettingsError(f"HOST_STATE_DIR: {settings.state_dir}: {error}") from error
    tasks.start(placing.scheduled.run(closed), "placing scheduled calls")
    try:
        yield placing
    finally:
        await tasks.stop(STOP_LIMIT)
        await placing.close()
