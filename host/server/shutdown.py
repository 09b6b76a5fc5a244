"""Stops the host: drains live calls, then tells the rest to say goodbye."""

from __future__ import annotations

import asyncio
import logging
import math
import signal
from collections.abc import Coroutine
from typing import Any

from livekit.agents import AgentServer

from host.registry import Registry
from host.server.health import Health
from host.server.recovery import Recovery
from host.settings import Settings

log = logging.getLogger("host")

GOODBYE_LIMIT = 10.0
"""Seconds that calls may take to say goodbye; they are cut off after that."""
CLOSING_LIMIT = 30.0
"""Seconds that LiveKit's worker may take to close: it allows a stuck process ten, twice."""
LOST_LIMIT = 15.0
"""Seconds to write the records of calls whose process was killed."""


class Stopping:
    """Stops the worker on a signal.

    The first signal drains: live calls continue, new ones go to other hosts or hear busy. After
    `patience` seconds, or on the next signal, remaining calls say goodbye and end.
    """

    def __init__(
        self, server: AgentServer, recovery: Recovery, health: Health, *, patience: float
    ) -> None:
        self._server, self._recovery, self._health = server, recovery, health
        self._calls = recovery.heartbeats
        self._patience = patience
        self._asked, self._at_once = asyncio.Event(), asyncio.Event()

    def use(self, settings: Settings, loaded: Registry) -> None:
        """Wait for live calls as long as these settings say."""
        if self._patience:  # else it waits for none
            self._patience = settings.drain_timeout

    def ask(self) -> None:
        """Request a stop; a second request does not wait for live calls."""
        # LiveKit's `drain` would let a caller ring endlessly if no other host can answer.
        self._calls.closed = True
        (self._at_once if self._asked.is_set() else self._asked).set()

    async def run(self, worker: Coroutine[Any, Any, None]) -> None:
        """Run the worker until SIGTERM, Ctrl-C or a failure. Raises the worker's exception."""
        running = asyncio.create_task(worker)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self.ask)
        asked = asyncio.create_task(self._asked.wait())
        try:
            await asyncio.wait([running, asked], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running
            else:
                await self._stop()
        finally:
            self._health.stopped = True
            running.cancel()
            asked.cancel()
            await asyncio.gather(running, asked, return_exceptions=True)

    async def _stop(self) -> None:
        if self._patience and len(self._calls):
            log.info("stopping when the live calls have ended (signal again to stop now)")
        over = asyncio.create_task(self._calls.all_over(math.inf))
        try:
            if not await self._over_in_time(over):
                await self._say_goodbye()
        finally:
            over.cancel()
            await asyncio.gather(over, return_exceptions=True)
        await self._close()

    async def _over_in_time(self, over: asyncio.Task[bool]) -> bool:
        """Wait for live calls; False at the deadline or on a second signal."""
        hurry = asyncio.create_task(self._at_once.wait())
        patience = asyncio.create_task(asyncio.sleep(self._patience))
        try:
            await asyncio.wait([over, hurry, patience], return_when=asyncio.FIRST_COMPLETED)
        finally:
            hurry.cancel()
            patience.cancel()
        return over.done()

    async def _say_goodbye(self) -> None:
        self._recovery.launch = None  # no process can take a call over any more
        if len(self._calls):
            log.warning("stopping: saying goodbye on %d live calls", len(self._calls))
        self._calls.goodbye()
        if not await self._calls.all_over(GOODBYE_LIMIT):
            log.error("cutting off %d calls that did not end in time", len(self._calls))

    async def _close(self) -> None:
        """Close LiveKit's worker, and record the calls whose processes it killed."""
        self._recovery.launch = None
        try:
            await asyncio.wait_for(self._server.aclose(), CLOSING_LIMIT)
        except TimeoutError:
            log.error("LiveKit's worker did not close within %.0f s", CLOSING_LIMIT)
        await self._calls.all_over(LOST_LIMIT)
