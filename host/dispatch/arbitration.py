"""Arbitration: one agent of ours in a room; a duplicate job leaves without affecting the call.

Within one host, admission prevents duplicates. Jobs on two hosts, or of a room that was dispatched
twice, detect each other in the room, by the attributes of their participants.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit import api, rtc
from livekit.protocol.agent import JobStatus
from livekit.protocol.models import ParticipantInfo

from host.call.live import LiveCall
from host.dispatch.rooms import UNREACHABLE, delete_room
from host.records.ending import Ending
from host.records.outcome import Outcome

if TYPE_CHECKING:  # importing it takes a second, which commands and helpers can spare
    from livekit.agents import JobContext

log = logging.getLogger("host")

CALL = "host.call"
"""Attribute of our agents' participants: the id of their job."""
TAKEN = "host.taken"
"""Attribute of a caller whose call a host has accepted: the id of the job.

LiveKit 1.11 lists a dispatch's jobs only after it has asked its nodes for agents, which it does
once a minute and when a worker registers, and which takes 5 s. Without the attribute, a full host
would treat a call that another one has accepted as unanswered.
"""
_OURS = (CALL, "host.persona")
_AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
_LIVE = (JobStatus.JS_PENDING, JobStatus.JS_RUNNING)
_CONNECTING = (ParticipantInfo.JOINING, ParticipantInfo.JOINED)

LEAVE_LIMIT = 2.0
"""Seconds that leaving a room may take."""
LOOK_LIMIT = 2.0
"""Seconds that LiveKit may take to report who has a room."""
LOOK_EVERY = 0.05
"""Seconds between checks, at least."""
LOOKS = 12
"""Checks while another host may take a call: a host that is full refuses many at a time."""
MARK_LIMIT = 2.0
"""Seconds to wait for the caller of an accepted job."""
CONNECT_LIMIT = 5.0
"""Seconds that a SIP participant which has joined may take to be connected."""


@dataclass(frozen=True)
class DuplicateJob(Ending):
    """The ending of a job that is not a call: another agent has its room."""


@dataclass(frozen=True)
class RoomGone(Ending):
    """The ending of a call whose room was closed before its agent joined."""


def room_gone() -> RoomGone:
    """Return the ending of a call whose room is gone.

    Not retryable: another job may have dialled the number before it closed the room.
    """
    reason = "the room was closed before the call began"
    return RoomGone(Outcome.CANCELLED, "livekit", reason, retryable=False)


def duplicate_job(reason: str) -> DuplicateJob:
    """Return the ending of a duplicate job."""
    return DuplicateJob(Outcome.REFUSED, "host", reason)


def already_taken(room: rtc.Room) -> str | None:
    """Return the identity of the agent of ours that has this room; None if we have it.

    The agent that joined first has it; at the same millisecond, the smaller identity. Both sides
    therefore reach the same result.
    """
    ours = _rank(room.local_participant)
    others = [other for other in room.remote_participants.values() if _is_ours(other)]
    return next((other.identity for other in others if _rank(other) < ours), None)


async def room_is_gone(job: JobContext) -> bool:
    """Return whether the room was deleted before we joined, and we are alone in a new one.

    A call that was cancelled or ended before a slow process joined must not be dialled, and a
    caller who heard busy does not come back.
    """
    meant: str = job.job.room.sid
    return bool(meant) and await job.room.sid != meant and not job.room.remote_participants


async def withdraw(job: JobContext, call: LiveCall) -> None:
    """Leave the room to the agent that has it; delete it if we are alone in it."""
    alone = not job.room.remote_participants
    await call.settle(LEAVE_LIMIT)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(job.room.disconnect(), LEAVE_LIMIT)
    if alone:
        await end_room(job.api, call.state.room, besides=job.job.id)


async def mark_taken(livekit: api.LiveKitAPI, room: str, job: str) -> None:
    """Mark a room's caller as taken, for a full host that was offered the job before us."""
    loop = asyncio.get_running_loop()
    until = loop.time() + MARK_LIMIT
    while loop.time() < until:
        there = await visible_in(livekit, room)
        callers = [one for one in there if one.kind != ParticipantInfo.AGENT]
        for caller in callers:
            request = api.UpdateParticipantRequest(
                room=room, identity=caller.identity, attributes={TAKEN: job}
            )
            await livekit.room.update_participant(request)
        if callers:
            return
        await asyncio.sleep(LOOK_EVERY)  # the caller may join after the job was accepted


async def end_room(
    livekit: api.LiveKitAPI,
    room: str,
    *,
    sid: str = "",
    besides: str = "",
    patience: float = 0.0,
) -> None:
    """Delete a room that we do not answer, unless another job has it.

    Another host may still accept it within `patience` seconds. `besides` is a job of our own to
    ignore. A room with another `sid` is a new one of the same name, and is kept.
    """
    # If LiveKit does not answer, the room is deleted: better busy than endless ringing.
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
        if begun >= until:  # not the current time: a slow answer may be outdated
            return False
        await asyncio.sleep(max(LOOK_EVERY, patience / LOOKS))  # LiveKit has no event for it


async def _sid_of(livekit: api.LiveKitAPI, room: str) -> str | None:
    rooms = (await livekit.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms
    return rooms[0].sid if rooms else None


async def _is_marked(livekit: api.LiveKitAPI, room: str) -> bool:
    names = {TAKEN, *_OURS}
    return any(names & {*one.attributes} for one in await those_in(livekit, room))


async def _is_connected(livekit: api.LiveKitAPI, room: str) -> None:
    """Wait until all participants that have joined a room are connected.

    A LiveKit client that is still connecting does not notice that its room is deleted: it waits
    for 15 s and joins a new room of that name, while the caller hears ringing.
    """
    while any(one.state in _CONNECTING for one in await those_in(livekit, room)):
        await asyncio.sleep(LOOK_EVERY)  # LiveKit has no event for it


async def those_in(livekit: api.LiveKitAPI, room: str) -> Sequence[ParticipantInfo]:
    """List a room's participants; empty if there is no such room."""
    try:
        return (
            await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        ).participants
    except api.ServerError as error:
        if error.code == api.ServerErrorCode.NOT_FOUND:
            return ()
        raise


async def visible_in(livekit: api.LiveKitAPI, room: str) -> Sequence[ParticipantInfo]:
    """List a room's participants but the hidden ones, who are no part of its call.

    The SDK does not show these; LiveKit's API does, and they keep a room open.
    """
    return [one for one in await those_in(livekit, room) if not one.permission.hidden]


def _is_ours(participant: rtc.RemoteParticipant) -> bool:
    known = any(name in participant.attributes for name in _OURS)
    return participant.kind == _AGENT and known


def _rank(participant: rtc.Participant) -> tuple[float, str]:
    joined = participant.joined_at
    return (joined.timestamp() if joined else float("inf"), participant.identity)
