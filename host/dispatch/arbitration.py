"""One agent of ours in a room: whoever comes second leaves, and the call does not notice.

Within one host admission sees to it. Two hosts that share the calls, or a room that was dispatched
to twice, meet in the room itself. Our agents are known there by the attributes that they come with.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from livekit import api, rtc
from livekit.agents import JobContext
from livekit.protocol.agent import JobStatus
from livekit.protocol.models import ParticipantInfo

from host.call.live import LiveCall
from host.dispatch.rooms import UNREACHABLE, delete_room
from host.records.ending import Ending
from host.records.outcome import Outcome

log = logging.getLogger("host")

CALL = "host.call"
"""The attribute that our agents come into a room with: the job they are there for."""
TAKEN = "host.taken"
"""The attribute of a caller whose call a host has taken: the job.

LiveKit 1.11 shows a dispatch's jobs only when it has asked its nodes for agents. It does so once a
minute, and when a worker registers, and takes 5 s: a host that is full would take a call that
another one has for nobody's.
"""
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
MARK_LIMIT = 2.0
"""Seconds after a job was taken in which its caller is looked for."""
CONNECT_LIMIT = 5.0
"""Seconds that a telephone which has joined a room may take to be connected to it."""


@dataclass(frozen=True)
class DuplicateJob(Ending):
    """The ending of a job that is no call: another agent has its room, or the room is gone."""


def duplicate_job(reason: str) -> DuplicateJob:
    """Say why a job is no call."""
    return DuplicateJob(Outcome.REFUSED, "host", reason)


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


async def withdraw(job: JobContext, call: LiveCall) -> None:
    """Leave a room to the agent that has it; one that only we have made goes with us."""
    alone = not job.room.remote_participants
    await call.settle(LEAVE_LIMIT)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(job.room.disconnect(), LEAVE_LIMIT)
    if alone:
        await end_room(job.api, call.state.room, besides=job.job.id)


async def mark_taken(livekit: api.LiveKitAPI, room: str, job: str) -> None:
    """Say in a room that a host has taken its call: to one that is full, and was asked before."""
    loop = asyncio.get_running_loop()
    until = loop.time() + MARK_LIMIT
    while loop.time() < until:
        there = await _those_in(livekit, room)
        callers = [one for one in there if one.kind != ParticipantInfo.AGENT]
        for caller in callers:
            request = api.UpdateParticipantRequest(
                room=room, identity=caller.identity, attributes={TAKEN: job}
            )
            await livekit.room.update_participant(request)
        if callers:
            return
        await asyncio.sleep(LOOK_EVERY)  # its own room's caller may come after the job


async def end_room(
    livekit: api.LiveKitAPI,
    room: str,
    *,
    sid: str = "",
    besides: str = "",
    patience: float = 0.0,
) -> None:
    """Delete a room that is not ours to answer, unless it is another job's.

    That may be one of another host, which takes it within `patience` seconds. `besides` names a job
    of our own. Of a room with another `sid` we know nothing: a new one with the same name.
    """
    # Where LiveKit does not say, the room is deleted: nobody is left to ring.
    with contextlib.suppress(api.ServerError, *UNREACHABLE):
        async with asyncio.timeout(patience + LOOK_LIMIT):
            if await _is_taken(livekit, room, besides, patience):
                return
            if sid and await _sid_of(livekit, room) != sid:
                return
    with contextlib.suppress(api.ServerError, *UNREACHABLE):
        async with asyncio.timeout(CONNECT_LIMIT):
            await _is_connected(livekit, room)
    await delete_room(livekit, room)


async def _is_taken(livekit: api.LiveKitAPI, room: str, besides: str, patience: float) -> bool:
    loop = asyncio.get_running_loop()
    until = loop.time() + patience
    while True:
        begun = loop.time()
        dispatches = await livekit.agent_dispatch.list_dispatch(room)
        jobs = [job for dispatch in dispatches for job in dispatch.state.jobs]
        having = {job.id for job in jobs if job.state.status in _LIVE}
        if having - {besides} or (patience and await _is_marked(livekit, room)):
            return True
        if begun >= until:  # where LiveKit is slow, what it says may be old by then
            return False
        await asyncio.sleep(LOOK_EVERY)  # LiveKit has no event for it


async def _sid_of(livekit: api.LiveKitAPI, room: str) -> str | None:
    rooms = (await livekit.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms
    return rooms[0].sid if rooms else None


async def _is_marked(livekit: api.LiveKitAPI, room: str) -> bool:
    names = {TAKEN, *_OURS}
    return any(names & {*one.attributes} for one in await _those_in(livekit, room))


async def _is_connected(livekit: api.LiveKitAPI, room: str) -> None:
    """Wait until whoever has joined a room is connected to it.

    LiveKit's clients do not see that their room is deleted while they connect: they wait for 15 s
    and come again, into a new room of that name. The caller hears it ringing meanwhile.
    """
    while any(one.state in _CONNECTING for one in await _those_in(livekit, room)):
        await asyncio.sleep(LOOK_EVERY)  # as above


async def _those_in(livekit: api.LiveKitAPI, room: str) -> Sequence[ParticipantInfo]:
    """List who is in a room, as LiveKit's API tells it; nobody where there is no such room."""
    try:
        return (
            await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        ).participants
    except api.ServerError as error:
        if error.code == api.ServerErrorCode.NOT_FOUND:
            return ()
        raise


def _is_ours(participant: rtc.RemoteParticipant) -> bool:
    known = any(name in participant.attributes for name in _OURS)
    return participant.kind == _AGENT and known


def _rank(participant: rtc.Participant) -> tuple[float, str]:
    joined = participant.joined_at
    return (joined.timestamp() if joined else float("inf"), participant.identity)
