"""Lists, finds and hangs up calls for clients of the API, placed by the API or not."""

from __future__ import annotations

import asyncio

from host.dispatch import hangup
from host.dispatch.hangup import NoSuchCall
from host.dispatch.livekit import livekit_api
from host.registry import Registry
from host.server.api.filters import PageWanted
from host.server.api.listing import CallLister, FoundJob
from host.server.api.placing import Placing
from host.server.api.schemas import CallPage, KnownCall
from host.settings import Settings

WAY = "through the API"


class Calls:
    """The calls of one host, as its API has them."""

    def __init__(self, settings: Settings, placing: Placing, lister: CallLister) -> None:
        self.settings, self.placing, self._lister = settings, placing, lister
        self._reading = asyncio.Lock()

    def use(self, settings: Settings, loaded: Registry) -> None:
        """Serve further requests with these settings and this registry."""
        self.settings = settings
        self.placing.use(settings, loaded)
        self._lister.use(settings)

    async def page(self, wanted: PageWanted) -> CallPage:
        """Return a page of calls. One at a time is read: it takes a thread, and the disk."""
        async with self._reading:
            return await asyncio.to_thread(self._lister.page, wanted, self.placing.live)

    async def find(self, id: str) -> KnownCall | None:
        """Return a call by its id in the API, or by its job id; None if it is unknown."""
        if asked := await self.placing.read(id):
            return asked
        found = await self._found(id)
        return found.call if found else None

    async def hang_up(self, id: str, goodbye: str) -> KnownCall | None:
        """Order a call to hang up, and return it as it is then; None if it is unknown.

        A call that is over already stays as it is. Raises HostError if it can't be reached.
        """
        if asked := await self.placing.read(id):
            async with self._reading:
                live = await asyncio.to_thread(self._lister.live_in, asked.room)
            if live or not (asked.status == "over" or await self._cancelled(id)):
                await self._order(asked.room, goodbye, live.id if live else "", id)
        else:
            found = await self._found(id)
            if found is None:
                return None
            if found.room:
                await self._order(found.room, goodbye, id, id)
        return await self.find(id)

    async def _cancelled(self, id: str) -> bool:
        """Cancel a call that no host has taken yet; return whether it was cancelled."""
        return await self.placing.cancel(id, hangup.reason(WAY, answered=False))

    async def _found(self, id: str) -> FoundJob | None:
        async with self._reading:
            return await asyncio.to_thread(self._lister.find, id)

    async def _order(self, room: str, goodbye: str, call: str, id: str) -> None:
        """Order a call to hang up. Raises HostError if it does not, and is not over."""
        try:
            async with livekit_api(self.settings) as livekit:
                await hangup.hang_up(livekit, self.settings, room, WAY, goodbye, call=call)
        except NoSuchCall:
            known = await self.find(id)
            if known is None or known.status != "over":
                raise
