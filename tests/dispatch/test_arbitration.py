"""One agent of ours in a room: who stays, as each of those who meet there sees it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from livekit import api, rtc
from livekit.protocol import models

from host.dispatch.arbitration import CALL, TAKEN, already_taken, end_room, mark_taken

AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
SIP = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Someone:
    """A participant, as LiveKit shows it."""

    identity: str
    joined_at: datetime | None = NOON
    kind: int = AGENT
    attributes: dict[str, str] = field(default_factory=lambda: {CALL: "AJ_1"})


@dataclass
class Seen:
    """A room, as one of those in it sees it."""

    local_participant: Someone
    others: list[Someone]

    @property
    def remote_participants(self) -> dict[str, Someone]:
        return {other.identity: other for other in self.others}


def taken(me: Someone, *others: Someone) -> str | None:
    return already_taken(Seen(me, list(others)))  # type: ignore[arg-type]


def later(milliseconds: int) -> datetime:
    return NOON + timedelta(milliseconds=milliseconds)


def test_whoever_is_alone_has_the_room() -> None:
    assert taken(Someone("agent-1")) is None


def test_whoever_joined_first_has_the_room() -> None:
    first, second = Someone("z"), Someone("a", later(1))
    assert taken(second, first) == "z"
    assert taken(first, second) is None


def test_an_agent_that_took_a_call_over_is_known_by_its_persona() -> None:
    rescuer = Someone("takeover-AJ_1", attributes={"host.persona": "desk"})
    assert taken(Someone("agent-2", later(5)), rescuer) == "takeover-AJ_1"


@pytest.mark.parametrize(
    "other",
    [
        Someone("sip_+15550001111", kind=SIP),
        Someone("avatar", attributes={}),
        Someone("notetaker", attributes={"lk.agent.name": "notes"}),
    ],
    ids=lambda other: other.identity,
)
def test_nobody_else_takes_the_room(other: Someone) -> None:
    assert taken(Someone("agent-1", later(5)), other) is None


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_of_those_who_see_each_other_one_stays_whoever_came_when(order: tuple[int, ...]) -> None:
    for moments in itertools.product([None, NOON, later(1)], repeat=3):
        there = [Someone(f"agent-{name}", at) for name, at in zip(order, moments, strict=True)]
        stay = [
            me.identity
            for me in there
            if taken(me, *(other for other in there if other is not me)) is None
        ]
        assert len(stay) == 1, (moments, stay)


# A room that nobody answers


class Rooms:
    """LiveKit's API over HTTP: a room, and who is in it at one look after the other.

    It shows no job of any dispatch, as LiveKit does in the seconds in which it asks for workers.
    """

    def __init__(self, *looks: Sequence[api.ParticipantInfo], sid: str = "RM_1") -> None:
        self.asked: list[str] = []
        self.marked: list[api.UpdateParticipantRequest] = []
        self._looks, self._sid = [*looks] or [()], sid

    def server(self) -> TestServer:
        """Serve it on loopback."""
        application = web.Application()
        application.router.add_post("/twirp/{service}/{method}", self._answer)
        return TestServer(application)

    async def _answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        self.asked.append(method)
        body = b""
        if method == "ListRooms":
            body = api.ListRoomsResponse(rooms=[api.Room(sid=self._sid)]).SerializeToString()
        elif method == "ListParticipants":
            there = self._looks[0]
            del self._looks[: len(self._looks) > 1]  # the last one stays
            body = api.ListParticipantsResponse(participants=there).SerializeToString()
        elif method == "UpdateParticipant":
            self.marked.append(api.UpdateParticipantRequest.FromString(await request.read()))
        return web.Response(body=body, content_type="application/protobuf")

    @asynccontextmanager
    async def livekit(self) -> AsyncIterator[api.LiveKitAPI]:
        """Open LiveKit's own client of this API."""
        async with (
            self.server() as server,
            api.LiveKitAPI(str(server.make_url("/")), "devkey", "secret" * 8) as livekit,
        ):
            yield livekit


async def ended(rooms: Rooms, **how: Any) -> list[str]:
    """End a room, and give what LiveKit was asked for."""
    async with rooms.livekit() as livekit:
        await end_room(livekit, "desk-1", **how)
    return rooms.asked


def phone(
    state: models.ParticipantInfo.State = models.ParticipantInfo.ACTIVE, **attributes: str
) -> list[api.ParticipantInfo]:
    """Whoever is in a room in which there is a telephone alone."""
    named = {name.replace("_", "."): value for name, value in attributes.items()}
    return [api.ParticipantInfo(identity="sip_+15550001111", state=state, attributes=named)]


CONNECTING = phone(models.ParticipantInfo.JOINED)
AN_AGENT = api.ParticipantInfo(
    identity="agent-1", kind=models.ParticipantInfo.AGENT, attributes={CALL: "AJ_2"}
)


async def test_a_room_ends_when_its_telephone_is_connected() -> None:
    """One that is still connecting does not notice, and comes again after 15 s of ringing."""
    asked = await ended(Rooms(CONNECTING, CONNECTING, phone()))
    assert asked == ["ListDispatch", *["ListParticipants"] * 3, "DeleteRoom"]


@pytest.mark.parametrize("there", [phone(), phone(models.ParticipantInfo.DISCONNECTED), []])
async def test_a_room_in_which_nobody_is_connecting_ends_at_once(
    there: list[api.ParticipantInfo],
) -> None:
    assert await ended(Rooms(there)) == ["ListDispatch", "ListParticipants", "DeleteRoom"]


async def test_a_telephone_that_never_connects_does_not_keep_a_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("host.dispatch.arbitration.CONNECT_LIMIT", 0.3)
    asked = await ended(Rooms(CONNECTING))
    assert asked.count("ListParticipants") > 1
    assert asked[-1] == "DeleteRoom"


@pytest.mark.parametrize("there", [phone(host_taken="AJ_2"), [*phone(), AN_AGENT]])
async def test_a_call_that_another_host_has_is_left_to_it_though_livekit_shows_no_job(
    there: list[api.ParticipantInfo],
) -> None:
    assert "DeleteRoom" not in await ended(Rooms(phone(), phone(), there), patience=5.0)


@pytest.mark.corpus
async def test_livekit_is_asked_a_dozen_times_at_most_while_others_may_take_a_call() -> None:
    asked = await ended(Rooms([]), patience=2.4)
    assert 3 <= asked.count("ListDispatch") <= 14
    assert asked[-1] == "DeleteRoom"


async def test_a_new_room_of_the_same_name_is_not_ended() -> None:
    assert "DeleteRoom" not in await ended(Rooms(phone(), sid="RM_2"), sid="RM_1")
    assert "DeleteRoom" in await ended(Rooms(phone(), sid="RM_1"), sid="RM_1")


async def test_a_host_marks_the_caller_that_it_takes_as_soon_as_there_is_one() -> None:
    rooms = Rooms([AN_AGENT], [AN_AGENT], [AN_AGENT, *phone()])
    async with rooms.livekit() as livekit:
        await mark_taken(livekit, "desk-1", "AJ_1")
    (mark,) = rooms.marked
    assert (mark.room, mark.identity) == ("desk-1", "sip_+15550001111")
    assert dict(mark.attributes) == {TAKEN: "AJ_1"}
