"""Asks the hosts of an agent name whether they are there, without a call.

The probe is a room with a dispatch, as a call has. A host that is offered it says so in the room's
metadata, and rejects the job: nothing is recorded, and no process is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from livekit import api

from host.call.metadata import read_metadata
from host.dispatch.rooms import UNREACHABLE, delete_room

ASKED = json.dumps({"host.probe": "asked"})
"""Metadata of a probe's room until a host has answered."""
LIMIT = 4.0
"""Seconds that hosts have to answer; one that is there takes a few round trips."""
ATTEMPTS = 2
"""Dispatches within LIMIT: LiveKit drops one silently while a worker registers."""
LOOK_EVERY = 0.2
"""Seconds between looks at the room: LiveKit has no event for it."""
OPEN = 30
"""Seconds that a room stays open that is forgotten."""


@dataclass(frozen=True)
class Presence:
    """Who took the dispatch of a probe."""

    host: bool = False
    """Whether a host answered."""
    full: str = ""
    """Why that host takes no calls now; empty if it does."""
    stranger: str = ""
    """The agent that joined the room: no host does. Empty if none did."""


def is_probe(room: api.Room) -> bool:
    """Return whether a room is a probe, which is not a call to answer."""
    return room.metadata == ASKED


async def answer(livekit: api.LiveKitAPI, room: str, full: str | None) -> None:
    """Answer a probe: a host is here, and takes calls unless `full` says why not."""
    here = json.dumps({"host.probe": "here", "host.full": full or ""})
    request = api.UpdateRoomMetadataRequest(room=room, metadata=here)
    with contextlib.suppress(api.ServerError, *UNREACHABLE):
        await livekit.room.update_room_metadata(request)


async def ask(livekit: api.LiveKitAPI, agent_name: str) -> Presence:
    """Dispatch an agent into a room of its own, and see who comes. Raises what livekit-api does."""
    room = f"host-probe-{secrets.token_hex(6)}"
    try:
        agents = [api.RoomAgentDispatch(agent_name=agent_name)] if agent_name else []
        await livekit.room.create_room(
            api.CreateRoomRequest(name=room, metadata=ASKED, empty_timeout=OPEN, agents=agents)
        )
        for attempt in range(ATTEMPTS):
            if attempt:
                again = api.CreateAgentDispatchRequest(agent_name=agent_name, room=room)
                await livekit.agent_dispatch.create_dispatch(again)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LIMIT / ATTEMPTS):
                    return await _seen(livekit, room)
        return Presence()
    finally:
        await delete_room(livekit, room)


async def _seen(livekit: api.LiveKitAPI, room: str) -> Presence:
    while True:
        found = await livekit.room.list_rooms(api.ListRoomsRequest(names=[room]))
        for each in found.rooms:
            facts: Mapping[str, object] = read_metadata(each.metadata)
            if facts.get("host.probe") == "here":
                return Presence(host=True, full=str(facts.get("host.full", "")))
        there = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        for one in there.participants:
            if one.kind == one.AGENT:
                return Presence(stranger=one.identity)
        await asyncio.sleep(LOOK_EVERY)
