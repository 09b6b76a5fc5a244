"""Lets nobody listen in to what is off the record.

Listeners are hidden: their SDKs see the call, and the call's SDK does not see them. LiveKit's API
does, and takes from them what they may hear.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from livekit import api
from livekit.protocol.models import ParticipantPermission

from host.call.live import LiveCall
from host.dispatch.arbitration import those_in
from host.dispatch.guests import LISTENER
from host.dispatch.rooms import UNREACHABLE

log = logging.getLogger("host")

AGAIN = 1.0
"""Seconds after which those are looked for who have come meanwhile."""


async def watch(call: LiveCall, livekit: api.LiveKitAPI) -> None:
    """Deafen all listeners while a call is off the record, until it is over."""
    deaf = False
    while True:
        call.unrecorded.changed.clear()
        before, deaf = deaf, call.off_record
        if before or deaf:
            await _set(livekit, call.state.room, hears=not deaf)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(call.unrecorded.changed.wait(), AGAIN if deaf else None)


async def _set(livekit: api.LiveKitAPI, room: str, *, hears: bool) -> None:
    """Let a room's listeners hear, or let them hear nothing."""
    try:
        for one in await those_in(livekit, room):
            if one.identity.startswith(LISTENER) and one.permission.can_subscribe != hears:
                may = ParticipantPermission(hidden=True, can_subscribe=hears)
                request = api.UpdateParticipantRequest(
                    room=room, identity=one.identity, permission=may
                )
                await livekit.room.update_participant(request)
    except (api.ServerError, *UNREACHABLE) as error:
        log.warning("listeners of a call can't be told that it is off the record: %s", error)
