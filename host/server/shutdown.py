"""How the host stops: live calls come to their end first, or are told goodbye."""

from __future__ import annotations

import asyncio
import logging
import math
import signal
from collections.abc import Coroutine
from typing import Any

from livekit.agents import AgentServer

from host.server.health import Health
from host.server.recovery import Recovery

log = logging.getLogger("host")

GOODBYE_LIMIT = 10.0
"""Seconds that calls may take to say goodbye and end; they are broken off after that."""
CLOSING_LIMIT = 30.0
"""Seconds that LiveKit's worker may take to close: it gives a stuck process ten, twice."""
LOST_LIMIT = 15.0
"""Seconds for the record of calls whose process had to be killed."""


class Stopping:
    """Brings the worker to its end when a signal asks for it.

    The first signal drains: live calls come to their end, new ones are left to other hosts, or hear
    busy where there is none. After `patience` seconds of that, or with the next signal, the calls
    that are left are told goodbye.
    """

    def __init__(
        self, server: AgentServer, recovery: Recovery, health: Health, *, patience: float
    ) -> None:
        self._server, self._recovery, self._health = server, recovery, health
        self._calls = recovery.heartbeats
        self._patience = patience
        self._asked, self._at_once = asyncio.Event(), asyncio.Event()

    def ask(self) -> None:
        """Ask the host to stop; asked once more, it does not wait for the calls."""
        # Not by LiveKit's `drain`: it lets a caller whom nobody else can take ring without end.
        self._calls.closed = True
        (self._at_once if self._asked.is_set() else self._asked).set()

    async def run(self, worker: Coroutine[Any, Any, None]) -> None:
        """Run the worker until SIGTERM or Ctrl-C ends it, or it fails. Raises what it failed of."""
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
        """Wait for the calls; False where some are live at the deadline, or asked to stop now."""
        hurry = asyncio.create_task(self._at_once.wait())
        patience = asyncio.create_task(asyncio.sleep(self._patience))
        try:
            await asyncio.wait([over, hurry, patience], return_when=asyncio.FIRST_COMPLETED)
        finally:
            hurry.cancel()
            patience.cancel()
        return over.done()

    async def _say_goodbye(self) -> None:
        self._recovery.launch = None  # there is no process any more for a call to be taken over
        if len(self._calls):
            log.warning("stopping: saying goodbye on %d live calls", len(self._calls))
        self._calls.goodbye()
        if not await self._calls.all_over(GOODBYE_LIMIT):
            log.error("cutting off %d calls that did not end in time", len(self._calls))

    async def _close(self) -> None:
        """Close LiveKit's worker, and look after the calls whose processes it had to kill."""
        self._recovery.launch = None
        try:
            await asyncio.wait_for(self._server.aclose(), CLOSING_LIMIT)
        except TimeoutError:
            log.error("LiveKit's worker did not close within %.0f s", CLOSING_LIMIT)
        await self._calls.all_over(LOST_LIMIT)
