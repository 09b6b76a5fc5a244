"""Waits for the caller of an inbound call, who may give up before the agent sees them.

LiveKit tells an agent of a participant once it is connected, up to 3 s after it joined, and keeps
an empty room open for 20 s. A caller who hangs up in between is seen in LiveKit's API only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime, timedelta

from livekit import api, rtc
from livekit.agents import JobContext

from host.dispatch.arbitration import visible_in
from host.dispatch.rooms import UNREACHABLE, caller_in

log = logging.getLogger("host")

FAR_ENDS = [
    rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
    rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
    rtc.ParticipantKind.PARTICIPANT_KIND_CONNECTOR,
]
"""Kinds of participants that can be a caller or a callee."""

LOOK_EVERY = 0.3
"""Seconds between looks at who is in the room: the record of a caller who left is due in 1 s."""
LOOK_LIMIT = 2.0
"""Seconds that LiveKit may take to report who is in the room."""

RINGS_AT_MOST = timedelta(seconds=180)
"""How long LiveKit SIP lets a caller wait for an agent, unless the trunk says otherwise."""
MOST_DIGITS = 14
"""Digits of a time in milliseconds since the epoch."""


class CallerLeft(Exception):
    """The caller has left before the agent could talk to them."""


def rung_since(participant: rtc.RemoteParticipant, at: datetime) -> datetime:
    """Return when a caller, seen at `at`, began to hear ringing, as far as LiveKit shows it.

    LiveKit SIP tells when its INVITE came, except older ones; the participant joins after it. A
    clock that differs from ours by more than a caller waits is not believed.
    """
    invited = participant.attributes.get("lk.sip.inviteTime", "")
    times = [getattr(participant, "joined_at", None)]
    if invited.isascii() and invited.isdecimal() and len(invited) <= MOST_DIGITS:
        times.append(datetime.fromtimestamp(int(invited) / 1000, UTC))
    return min((time for time in times if time and at - RINGS_AT_MOST <= time <= at), default=at)


async def wait_for_caller(job: JobContext, limit: float) -> rtc.RemoteParticipant:
    """Return the caller, once connected. Raises CallerLeft, or TimeoutError after `limit` seconds.

    Raises RuntimeError if the room is closed meanwhile.
    """
    left = asyncio.Event()
    coming = asyncio.create_task(job.wait_for_participant(kind=FAR_ENDS))
    leaving = asyncio.create_task(_until_left(job, left))

    def on_disconnected(participant: rtc.RemoteParticipant) -> None:
        if participant.kind in FAR_ENDS:
            left.set()

    job.room.on("participant_disconnected", on_disconnected)
    try:
        await asyncio.wait({coming, leaving}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        if coming.done():
            participant: rtc.RemoteParticipant = coming.result()
            if participant.identity not in job.room.remote_participants:
                raise CallerLeft
            return participant
        if leaving.done():
            leaving.result()
            raise CallerLeft
        raise TimeoutError
    finally:
        job.room.off("participant_disconnected", on_disconnected)
        for task in (coming, leaving):
            task.cancel()
        await asyncio.gather(coming, leaving, return_exceptions=True)


async def _until_left(job: JobContext, left: asyncio.Event) -> None:
    """Return once a caller who was in the room is not there any more.

    Two looks at an empty room must agree, because LiveKit may offer the job while the caller's
    participant joins.
    """
    came, empty = caller_in(job.job.room.name) is not None, 0
    while True:
        there = await _far_ends_in(job)
        if there is not None:
            came, empty = came or there > 0, 0 if there else empty + 1
        if empty and (left.is_set() or (came and empty > 1)):
            return
        if left.is_set():
            await asyncio.sleep(LOOK_EVERY)
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(left.wait(), LOOK_EVERY)


async def _far_ends_in(job: JobContext) -> int | None:
    """Return how many far ends are in the room or joining it; None if LiveKit does not say."""
    try:
        async with asyncio.timeout(LOOK_LIMIT):
            inside = await visible_in(job.api, job.job.room.name)
    except (api.ServerError, *UNREACHABLE) as error:
        log.debug("can't look who is in room %s: %s", job.job.room.name, error)
        return None
    return sum(int(each.kind) in FAR_ENDS for each in inside)
