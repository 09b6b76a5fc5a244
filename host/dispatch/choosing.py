"""Chooses a call's persona, though a plugin may block while it looks something up."""

from __future__ import annotations

import asyncio
import logging

from host.call.dispatch import Dispatch
from host.registry import Registry
from host.registry.routes import Choice

log = logging.getLogger("host")

CHOICE_LIMIT = 3.0
"""Seconds that the plugins may take to choose: the caller hears ringing."""


async def choose(loaded: Registry, dispatch: Dispatch) -> Choice:
    """Choose the persona by the plugins, in a thread, and else by the routes.

    If the plugins take too long, the routes choose.
    """
    if not loaded.views.choosers:
        return loaded.choose(dispatch)
    try:
        async with asyncio.timeout(CHOICE_LIMIT):
            return await asyncio.to_thread(loaded.choose, dispatch)
    except TimeoutError:
        log.error("no plugin has chosen the persona within %.0f s", CHOICE_LIMIT)
        return loaded.routes.choose(dispatch)
