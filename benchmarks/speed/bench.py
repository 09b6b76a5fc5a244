"""What all figures share: the server, the providers, what callers say, and where values go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from livekit import api

from host.local.livekit import LiveKitServer
from host.local.sound import Samples
from speed import words
from speed.caller import Caller, NotServed
from speed.plan import Plan
from speed.providers import Providers
from speed.results import Results
from speed.targets import Target

log = logging.getLogger("speed")

REST = 1.0
"""Seconds between two calls, in which a worker may replace the process that it used."""
LONGEST = 180.0
"""Seconds that one measurement may take."""
TROUBLE = (NotServed, TimeoutError, OSError, RuntimeError, api.TwirpError, aiohttp.ClientError)
"""What may go wrong with a measurement; the others go on."""


@dataclass
class Bench:
    """One run of the benchmark."""

    plan: Plan
    livekit: LiveKitServer
    providers: Providers
    results: Results
    folder: Path
    question: Samples
    """What callers ask: speech without a pause, and without silence around it."""

    def caller(self, target: Target, does: str = "default") -> Caller:
        """Make a caller of a target's persona; it dials where its block begins."""
        return Caller(self.livekit, target.agent_name, words.persona(does))

    async def rooms(self) -> set[str]:
        """Ask LiveKit for the rooms that there are."""
        server = self.livekit
        async with api.LiveKitAPI(server.url, server.api_key, server.api_secret) as livekit:
            found = await livekit.room.list_rooms(api.ListRoomsRequest())
            return {room.name for room in found.rooms}

    async def tried(
        self, work: Awaitable[None], figure: str, target: str, setting: object = ""
    ) -> bool:
        """Measure something; note in the results what goes wrong. Return whether it went well."""
        try:
            await asyncio.wait_for(work, LONGEST)
        except TROUBLE as error:
            reason = f"{type(error).__name__}: {error}".strip(": ")
            log.warning("%s of %s %s: %s", figure, target, setting, reason)
            self.results.miss(figure, target, reason, setting)
            return False
        return True


async def rest() -> None:
    """Let the workers replace the processes that they used: there is no event for it."""
    await asyncio.sleep(REST)
