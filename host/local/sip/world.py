"""The local world with real SIP: softphones ring personas, and are rung by them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping

from livekit import api

from host.local.livekit import LiveKitServer
from host.local.rules import Rule
from host.local.scripts import RULES
from host.local.sip.bridge import SipBridge
from host.local.sip.find import find_or_build_sip
from host.local.sip.lines import Lines, Trunks, require_network
from host.local.sip.redis import RedisServer
from host.local.world import LOCAL_KEY, OUR_NUMBER, Enter, World

SOFTPHONE = "+15552220001"
"""A number that rings the softphone, as any other that may be dialled does."""


class SipWorld(World):
    """Starts and stops the local world with livekit-sip in the place of the exchange.

    It has no telephones of its own: a softphone dials `address_of(persona)`, and `host call` rings
    the softphone. With keys of speech providers in the environment, a human is understood.
    """

    def __init__(self, lines: Lines | None = None, *, rules: Iterable[Rule] = RULES) -> None:
        super().__init__(rules=rules)
        self.lines = lines or Lines()
        self._named = set[str]()
        """Personas that their names ring."""

    async def _start_livekit(self, enter: Enter) -> LiveKitServer:
        # What takes minutes, or is missing, comes first.
        require_network()
        await asyncio.to_thread(find_or_build_sip)
        self.redis = await enter(RedisServer())
        return await enter(LiveKitServer(redis=self.redis.access))

    async def _start_telephony(self, enter: Enter) -> str:
        server = self.livekit
        keys = server.url, server.api_key, server.api_secret
        self.bridge = await enter(SipBridge(self.redis, keys, self.lines.listen))
        self._trunks = Trunks(await enter(api.LiveKitAPI(*keys)), self.lines, self._agent)
        await self._trunks.inbound([], "call")
        return await self._trunks.outbound(OUR_NUMBER)

    async def give_numbers(self, personas: Mapping[str, Iterable[str]]) -> None:
        """Give every persona a number, and let its name ring it, too: SIP needs no number."""
        await super().give_numbers(personas)
        for persona in sorted(self.numbers.keys() - self._named):
            self._named.add(persona)
            await self._trunks.inbound([persona], persona)

    async def _route(self, number: str, persona: str = "") -> None:
        # The trunk without numbers takes the calls to all others: host.toml has their personas.
        if persona:
            await self._trunks.inbound([number], persona)

    @property
    def url(self) -> str:
        """The value of LIVEKIT_URL."""
        return self.livekit.url

    def address_of(self, whom: str) -> str:
        """Return what to dial for a persona's name, or a number."""
        return f"sip:{whom}@{self.bridge.address}:{self.bridge.port}"

    def _own(self) -> set[str]:
        """Return those of `settings` in whose place the user's own stay: all providers' keys."""
        own, has = super()._own(), os.environ.get
        if has("DEEPGRAM_API_KEY"):
            # The local turn detection is for the local voice.
            own |= {"DEEPGRAM_API_KEY", "HOST_DEEPGRAM_BASE_URL", "HOST_TURN_DETECTION"}
        if has("CARTESIA_API_KEY"):
            own |= {"CARTESIA_API_KEY", "HOST_CARTESIA_BASE_URL"}
        return own

    def welcome(self) -> str:
        """Return the welcome text, with what to dial."""
        rows = [(f"Ring {persona}:", self.address_of(persona)) for persona in self.numbers]
        if self.lines.password:
            rows.append(("User name:", f"{self.lines.username}, with HOST_SIP_INBOUND_PASSWORD"))
        rows += [
            ("Have one call:", f"python -m host call --local PERSONA {SOFTPHONE} ..."),
            ("", f"rings the softphone at {self.lines.softphone}"),
        ]
        width = max(len(what) for what, _ in rows) + 1
        lines = [f"The local world is up at {self.url}, with LiveKit SIP."]
        lines += [f"{what:<{width}}{how}" for what, how in rows]
        if os.environ.get("DEEPGRAM_API_KEY", LOCAL_KEY) == LOCAL_KEY:
            lines.append("The local STT knows no human: set DEEPGRAM_API_KEY to be understood.")
        return "\n".join(lines)
