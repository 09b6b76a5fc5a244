"""Waiting for a caller: who comes, who has left, and what LiveKit shows of either."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import api, rtc
from livekit.agents import JobContext
from livekit.protocol.models import ParticipantInfo, ParticipantPermission

from host.call.live import LiveCall
from host.call.state import CallState
from host.dispatch.rooms import caller_in
from host.records.ending import CallEnded
from host.records.outcome import Outcome
from host.settings import Settings
from host.telephony import arrival
from host.telephony.arrival import CallerLeft, rung_since, wait_for_caller
from host.telephony.far_end import LiveKitFarEnd

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
SIP = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
PHONE_ROOM = "call-_+15557770001_aB3dE5gH7jK9"
ANN = SimpleNamespace(identity="sip_+15557770001", kind=SIP)
HIDDEN = -1
"""Somebody who listens in: LiveKit's API shows them, and the SDK does not."""
Look = list[int] | Exception
"""The kinds of those who are in the room, or why LiveKit does not say."""


def _seen(kind: int) -> ParticipantInfo:
    if kind == HIDDEN:
        return ParticipantInfo(permission=ParticipantPermission(hidden=True))
    return ParticipantInfo(kind=kind)  # type: ignore[arg-type]


class Room(rtc.EventEmitter[str]):
    """LiveKit's room at the edge."""

    def __init__(self) -> None:
        super().__init__()
        self.remote_participants: dict[str, Any] = {}


class Scripted:
    """A job whose room LiveKit shows differently at each look; the last one stays."""

    def __init__(self, looks: list[Look], room: str = PHONE_ROOM) -> None:
        self.room = Room()
        self.job = SimpleNamespace(room=SimpleNamespace(name=room))
        self.api = SimpleNamespace(room=self)
        self._looks = looks
        self.looked = 0
        self.connected = asyncio.get_running_loop().create_future()

    async def list_participants(self, request: object) -> Any:
        look = self._looks[min(self.looked, len(self._looks) - 1)]
        self.looked += 1
        if isinstance(look, Exception):
            raise look
        return SimpleNamespace(participants=[_seen(each) for each in look])

    async def wait_for_participant(self, kind: object) -> Any:
        return await self.connected

    async def wait(self, limit: float = 5.0) -> Any:
        return await wait_for_caller(cast(JobContext, self), limit)


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiveKit is asked ten times as often as in a call."""
    monkeypatch.setattr(arrival, "LOOK_EVERY", arrival.LOOK_EVERY / 10)


@pytest.mark.parametrize(
    "looks",
    [
        [[SIP], []],
        [[SIP, AGENT], [AGENT]],
        [[SIP, HIDDEN], [HIDDEN]],
        [[]],
        [[], [SIP], []],
        [TimeoutError(), [SIP], api.TwirpError("internal", "?", status=500), []],
    ],
    ids=[
        "seen",
        "beside an agent",
        "beside a listener",
        "in a telephone's room",
        "late",
        "unanswered looks",
    ],
)
async def test_a_caller_who_is_not_there_any_more_has_left(looks: list[Look]) -> None:
    with pytest.raises(CallerLeft):
        await Scripted(looks).wait()


async def test_one_look_at_an_empty_room_is_not_enough() -> None:
    job = Scripted([[], [SIP]])
    waiting = asyncio.create_task(job.wait())
    while job.looked < 4:
        await asyncio.sleep(0.05)
    assert not waiting.done()
    job.room.remote_participants[ANN.identity] = ANN
    job.connected.set_result(ANN)
    assert await waiting is ANN


async def test_whoever_may_still_come_is_waited_for() -> None:
    job = Scripted([[]], "visit-1")
    with pytest.raises(TimeoutError):
        await job.wait(0.15)
    assert job.looked > 2


async def test_a_caller_whose_leaving_is_told_has_left_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arrival, "LOOK_EVERY", 1.0)
    job = Scripted([[SIP], []], "visit-1")
    waiting = asyncio.create_task(job.wait())
    while not job.looked:
        await asyncio.sleep(0)
    job.room.emit("participant_disconnected", ANN)
    with pytest.raises(CallerLeft):
        await asyncio.wait_for(waiting, 0.25)


async def test_a_caller_who_leaves_as_they_are_seen_has_left() -> None:
    job = Scripted([[SIP]])
    job.connected.set_result(ANN)
    with pytest.raises(CallerLeft):
        await job.wait()


@pytest.mark.parametrize("over", ["left", "came", "closed"])
async def test_nothing_goes_on_afterwards(over: str) -> None:
    job = Scripted([[SIP], []])
    ends: dict[str, Callable[[], None]] = {
        "left": lambda: None,
        "came": lambda: job.connected.set_result(ANN),
        "closed": lambda: job.connected.set_exception(RuntimeError("room disconnected")),
    }
    job.room.remote_participants[ANN.identity] = ANN
    ends[over]()
    errors = (CallerLeft, RuntimeError)
    await asyncio.wait([waiting := asyncio.create_task(job.wait())])
    assert waiting.exception() is None or isinstance(waiting.exception(), errors)
    looked = job.looked
    await asyncio.sleep(0.04)
    assert job.looked == looked
    assert not any(job.room._events.values())


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (rtc.DisconnectReason.ROOM_CLOSED, Outcome.ABANDONED),
        (rtc.DisconnectReason.ROOM_DELETED, Outcome.CANCELLED),
        (None, Outcome.CANCELLED),
    ],
    ids=["its caller has left", "deleted", "not said"],
)
async def test_a_room_that_closes_says_why_nobody_came(
    reason: int | None, outcome: Outcome
) -> None:
    job = Scripted([TimeoutError()])
    call = LiveCall(Settings(), CallState(id="AJ_1", room=PHONE_ROOM))
    arriving = asyncio.create_task(LiveKitFarEnd(cast(JobContext, job), call).arrive(5))
    while not job.looked:
        await asyncio.sleep(0)
    job.connected.set_exception(RuntimeError("room disconnected"))
    if reason is not None:
        job.room.emit("disconnected", reason)
    with pytest.raises(CallEnded) as ended:
        await arriving
    assert ended.value.ending.outcome is outcome


@pytest.mark.parametrize(
    ("room", "number"),
    [
        (PHONE_ROOM, "+15557770001"),
        ("call-_15557770001_aB3dE5gH7jK9", "15557770001"),
        ("+15557770001_aB3dE5gH7jK9", "+15557770001"),
        ("call-_anonymous_aB3dE5gH7jK9", None),
        ("call-_0001_aB3dE5gH7jK9", None),
        ("call-_+15557770001", None),
        ("reminder-20261129", None),
        ("", None),
    ],
)
def test_the_callers_number_is_read_from_the_room_that_livekit_names(
    room: str, number: str | None
) -> None:
    assert caller_in(room) == number


@pytest.mark.parametrize(
    ("joined", "invited", "since"),
    [
        (-0.5, str(round((NOON.timestamp() - 1.5) * 1000)), -1.5),
        (-0.5, "", -0.5),
        (None, "", 0.0),
        (-0.5, str(round((NOON.timestamp() + 5) * 1000)), -0.5),
        (-0.5, str(round((NOON.timestamp() - 3600) * 1000)), -0.5),
        (-0.5, "9" * 400, -0.5),
        (-0.5, "yesterday", -0.5),
        (+3.0, "", 0.0),
    ],
    ids=[
        *("invited", "joined", "nothing is shown", "a clock ahead", "a clock behind"),
        *("a number without end", "no number", "joined in the future"),
    ],
)
def test_a_caller_rings_since_their_invite(
    joined: float | None, invited: str, since: float
) -> None:
    caller = SimpleNamespace(
        joined_at=None if joined is None else NOON + timedelta(seconds=joined),
        attributes={"lk.sip.inviteTime": invited} if invited else {},
    )
    told = rung_since(cast(rtc.RemoteParticipant, caller), NOON)
    assert (told - NOON).total_seconds() == pytest.approx(since, abs=0.01)
