"""Runs the purge once a day, in the background."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from host.server.retention.old_calls import Purged, purge
from host.settings import Settings

log = logging.getLogger("host")

EVERY = 24 * 3600.0
"""Seconds between purges; the first one runs at the start."""


async def purge_daily(settings: Settings, every: float = EVERY) -> None:
    """Purge at once and then every day, until cancelled."""
    while True:
        try:
            _log(await asyncio.to_thread(purge, settings, datetime.now(UTC)))
        except Exception:
            log.exception("can't remove old calls")
        await asyncio.sleep(every)


def _log(purged: Purged) -> None:
    if any(purged.removed.values()):
        log.info("removed old calls: %s", purged)
    for fault in purged.faults:
        log.error("can't remove old calls: %s", fault)
