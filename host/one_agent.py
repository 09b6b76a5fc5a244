"""One agent of ours in a room: whoever comes second leaves, and the call does not notice.

Within one host the desk sees to it. Two hosts that share the calls, or a room that was dispatched
to twice, meet in the room itself. Our agents are known there by the attributes that they come with.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass

import aiohttp
from livekit import api, rtc
from livekit.agents import JobContext
from livekit.protocol.agent import JobStatus
from livekit.protocol.models import ParticipantInfo

from host.call import Call, Ending
from host.line import delete_room
from host.outcome import Outcome

log = logging.getLogger("host")

CALL = "host.call"
"""The attribute that our agents come into a room with: the job they are there for."""
_OURS = (CALL, "host.persona")
_AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
_LIVE = (JobStatus.JS_PENDING, JobStatus.JS_RUNNING)
_CONNECTING = (ParticipantInfo.JOINING, ParticipantInfo.JOINED)

LEAVE_LIMIT = 2.0
"""Seconds that leaving a room may take."""
LOOK_LIMIT = 2.0
"""Seconds that LiveKit may take to say who has a room."""
LOOK_EVERY = 0.05
"""Seconds between two looks."""
CONNECT_LIMIT = 5.0
"""Seconds that a telephone which has joined a room may take to be connected to it."""


@dataclass(frozen=True)
class Superfluous(Ending):
    """The ending of a job that is no call: another agent has its room, or the room is gone."""


def superfluous(reason: str) -> Superfluous:
    """Say why a job is no call."""
    return Superfluous(Outcome.REFUSED, "host", reason)


def already_taken(room: rtc.Room) -> str | None:
    """Name the agent of ours that has this room; None where it is ours to answer.

    Whoever joined first has it, and of two at the same millisecond the lesser identity: two that
    see each other come to the same answer.
    """
    ours = _rank(room.local_participant)
    others = [other for other in room.remote_participants.values() if _is_ours(other)]
    return next((other.identity for other in others if _rank(other) < ours), None)


async def room_is_gone(job: JobContext) -> bool:
    """Tell whether the room of a job was closed before we came: we stand alone in a new one.

    A call that was given up, or was over, before a slow process joined must not be dialled by it,
    and a caller who was told busy does not come back.
    """
    meant: str = job.job.room.sid
    return bool(meant) and await job.room.sid != meant and not job.room.remote_participants


async def withdraw(job: JobContext, call: Call) -> None:
    """Leave a room to the agent that has it; one that only we have made goes with us."""
    alone = not job.room.remote_participants
    await call.settle(LEAVE_LIMIT)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(job.room.disconnect(), LEAVE_LIMIT)
    if alone:
        await end_room(job.api, call.room, besides=job.job.id)


async def end_room(
    livekit: api.LiveKitAPI, room: str, *, besides: str = "", patience: float = 0.0
) -> None:
    """Delete a room that is not ours to answer, unless it is another job's.

    That may be one of another host, which takes it within `patience` seconds. `besides` names a job
    of our own.
    """
    # Where LiveKit does not say, the room is deleted: nobody is left to ring.
    with contextlib.suppress(api.ServerError, aiohttp.ClientError, TimeoutError, OSError):
        async with asyncio.timeout(patience + LOOK_LIMIT):
            if await _is_taken(livekit, room, besides, patience):
                return
    with contextlib.suppress(api.ServerError, aiohttp.ClientError, TimeoutError, OSError):
        async with asyncio.timeout(CONNECT_LIMIT):
            await _is_connected(livekit, room)
    await delete_room(livekit, room)


async def _is_taken(livekit: api.LiveKitAPI, room: str, besides: str, patience: float) -> bool:
    loop = asyncio.get_running_loop()
    until = loop.time() + patience
    while True:
        dispatches = await livekit.agent_dispatch.list_dispatch(room)
        jobs = [job for dispatch in dispatches for job in dispatch.state.jobs]
        if any(job.id != besides and job.state.status in _LIVE for job in jobs):
            return True
        if loop.time() >= until:
            return False
        await asyncio.sleep(LOOK_EVERY)  # LiveKit has no event for it


async def _is_connected(livekit: api.LiveKitAPI, room: str) -> None:
    """Wait until whoever has joined a room is connected to it.

    LiveKit's clients do not see that their room is deleted while they connect: they wait for 15 s
    and come again, into a new room of that name. The caller hears it ringing meanwhile.
    """
    request = api.ListParticipantsRequest(room=room)
    while True:
        there = (await livekit.room.list_participants(request)).participants
        if not any(participant.state in _CONNECTING for participant in there):
            return
        await asyncio.sleep(LOOK_EVERY)  # as above


def _is_ours(participant: rtc.RemoteParticipant) -> bool:
    known = any(name in participant.attributes for name in _OURS)
    return participant.kind == _AGENT and known


def _rank(participant: rtc.Participant) -> tuple[float, str]:
    joined = participant.joined_at
    return (joined.timestamp() if joined else float("inf"), participant.identity)
