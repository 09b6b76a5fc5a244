"""Follows a call that was dispatched before: to its end, or to its stored result."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from host.base.errors import HostError
from host.dispatch.place import CallResult, OnTaken, follow
from host.server.api.results import Results, is_live, written
from host.server.api.schemas import AskedCall
from host.server.api.status import note_status
from host.settings import Settings

log = logging.getLogger("host")

NEWS_LIMIT = 30.0
"""Seconds after the start for which results of calls of the last run are awaited."""
NEWS_EVERY = 1.0
"""Seconds between checks for such a result."""


async def followed(
    settings: Settings, asked: AskedCall, key: str, results: Results, on_taken: OnTaken
) -> CallResult | None:
    """Watch an earlier call; None if nothing and nobody tells of it any more."""
    loop = asyncio.get_running_loop()
    longest = settings.longest_call(asked.persona)
    longest += settings.persona(asked.persona).ringing_timeout
    began = loop.time()
    while True:
        placed = None
        try:
            placed = await follow(
                settings, asked.persona, key, partial(note_status, asked), on_taken=on_taken
            )
        except HostError as error:
            log.warning("can't find the call in room %s: %s", asked.room, error)
        patience = 0.0 if placed else NEWS_LIMIT
        request = await asyncio.to_thread(results.request, key)
        if is_live(request):  # its process stores the result
            patience = NEWS_LIMIT + longest
        known = written(request, asked.room)
        if known or loop.time() - began >= patience:
            return placed or known
        await asyncio.sleep(NEWS_EVERY)  # any process may store the result
