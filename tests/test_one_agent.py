"""One agent of ours in a room: who stays, as each of those who meet there sees it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from livekit import rtc

from host.one_agent import CALL, already_taken

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
