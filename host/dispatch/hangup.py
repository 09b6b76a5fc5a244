"""An operator's order to hang up: signed, and put on the call's agent in LiveKit's room.

It also reaches a call that still dials: the agent is in the room before it dials.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from livekit import api
from livekit.protocol.models import ParticipantInfo

from host.base.errors import HostError
from host.dispatch.arbitration import CALL, those_in, visible_in
from host.dispatch.orders import ACCEPTED, give, signed, verified
from host.settings import Settings

ATTRIBUTE = "host.hangup"
"""Attribute of the call's agent that holds the order."""
LONGEST_GOODBYE = 500
"""Maximum length of a goodbye, in characters: half a minute of speech."""
LIMIT = 12.0
"""Seconds that a call may take to accept an order: one whose process is blocked is taken over."""
EMPTY_LIMIT = 2.0
"""Seconds for which nobody may be in a room before its call counts as over."""
LOOK_EVERY = 0.05
"""Seconds between checks."""
PATIENCE = 5.0
"""Seconds that a goodbye may take to begin, in addition to its length."""
SIGNS_A_SECOND = 8
"""How slowly a goodbye is spoken at most, in characters."""
AT_A_TIME = 8
"""Rooms in which an id is looked for at a time."""


class NoSuchCall(HostError):
    """No live call has this id or room."""


@dataclass(frozen=True)
class HangUp:
    """An order to hang up one call."""

    call: str
    """The call's id: an order for another call of the same room means nothing."""
    way: str
    """How it was given: `through the API`, `with host hangup`."""
    goodbye: str = ""
    """Words to speak first; empty: hang up at once."""


def sign(order: HangUp, settings: Settings) -> str:
    """Return the attribute's value."""
    return signed(ATTRIBUTE, asdict(order), settings)


def read(value: str, call: str, settings: Settings) -> HangUp | None:
    """Return the order in an attribute; None if it is not signed, or for another call."""
    facts = verified(ATTRIBUTE, value, settings)
    if facts is None:
        return None
    order = HangUp(facts["call"], facts["way"], facts["goodbye"])
    return order if order.call == call else None


async def hang_up(
    livekit: api.LiveKitAPI,
    settings: Settings,
    room: str,
    way: str,
    goodbye: str = "",
    *,
    call: str = "",
    limit: float = LIMIT,
) -> None:
    """Order the call in a room to hang up; returns when it has accepted the order, or is over.

    `call` is its id, if known. If another process takes the call over meanwhile, it gets the order.
    Raises NoSuchCall if there is no agent within `limit` seconds, or nobody at all, HostError if it
    does not respond, and what LiveKit's client raises.
    """
    loop = asyncio.get_running_loop()
    begun, ordered, peopled = loop.time(), "", loop.time()
    while True:
        inside = await visible_in(livekit, room)
        agent = agent_of(inside, call)
        if inside:
            peopled = loop.time()
        elif ordered:
            return  # it is over
        if agent is not None and agent.sid == ordered:
            if agent.attributes.get(ATTRIBUTE) == ACCEPTED:
                return
        elif agent is not None:  # the first one, or one that has taken the call over
            call, ordered = agent.attributes[CALL], agent.sid
            value = sign(HangUp(call, way, goodbye), settings)
            await give(livekit, room, agent.identity, {ATTRIBUTE: value})
        if loop.time() >= min(begun + limit, peopled + EMPTY_LIMIT):
            if ordered:
                raise HostError(f"the call in room {room} does not respond")
            raise NoSuchCall(f"there is no live call in room {room}")
        await asyncio.sleep(LOOK_EVERY)  # LiveKit has no event for it


def reason(way: str, *, answered: bool) -> str:
    """Return the reason of a call's end, for its record."""
    return f"an operator ended the call {way}{'' if answered else ' before it was answered'}"


def longest(goodbye: str) -> float:
    """Return how many seconds a goodbye may take."""
    return PATIENCE + len(goodbye) / SIGNS_A_SECOND if goodbye else 0.0


async def room_of(livekit: api.LiveKitAPI, named: str) -> tuple[str, str]:
    """Return the room and id of a live call of any host, by its id or its room.

    Raises NoSuchCall.
    """
    found = await livekit.room.list_rooms(api.ListRoomsRequest(names=[named]))
    rooms = [room.name for room in found.rooms]
    if not rooms:
        everything = await livekit.room.list_rooms(api.ListRoomsRequest())
        rooms = [room.name for room in everything.rooms]
    free = asyncio.Semaphore(AT_A_TIME)
    rooms = rooms if named else []

    async def look(room: str) -> ParticipantInfo | None:
        async with free:
            inside = await those_in(livekit, room)
        return agent_of(inside, "" if room == named else named)

    agents = await asyncio.gather(*map(look, rooms))
    for room, agent in zip(rooms, agents, strict=True):
        if agent is not None:
            return room, agent.attributes[CALL]
    raise NoSuchCall(f"there is no live call {named!r}: see `python -m host calls --live`")


async def until_over(livekit: api.LiveKitAPI, room: str, call: str) -> None:
    """Wait until a call's agent has left the room."""
    while agent_of(await those_in(livekit, room), call) is not None:
        await asyncio.sleep(LOOK_EVERY)  # LiveKit has no event for it


def agent_of(inside: Iterable[ParticipantInfo], call: str) -> ParticipantInfo | None:
    """Return the agent that has a call; of several without an id, the first that has joined."""
    ours = [
        one
        for one in inside
        if one.kind == ParticipantInfo.AGENT
        and one.attributes.get(CALL)
        and call in ("", one.attributes[CALL])
    ]
    return min(ours, key=lambda one: (one.joined_at_ms, one.identity), default=None)
