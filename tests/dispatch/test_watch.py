"""What a watcher makes of a room: of what the host told, and of what others write there."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from livekit import rtc

from host.dispatch.watch import CallResult, RoomWatcher
from host.records.outcome import Outcome

AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
SIP = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
BROWSER = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
UNTOLD = CallResult(Outcome.FAILED, "the host did not report how the call ended", "r")


class Room:
    """LiveKit's room at the edge: what it tells."""

    def __init__(self, metadata: str = "", *inside: Any) -> None:
        self.metadata = metadata
        self.remote_participants = {str(at): each for at, each in enumerate(inside)}

    def on(self, event: str, told: Any) -> None:
        """Nothing happens in this room by itself."""


def somebody(kind: int, **attributes: str) -> Any:
    """A participant with attributes, whose dots are written as underlines."""
    dotted = {name.replace("_", ".", 1): value for name, value in attributes.items()}
    return SimpleNamespace(identity="x", kind=kind, attributes=dotted)


def seen(*inside: Any, metadata: str = "") -> tuple[RoomWatcher, list[str]]:
    """Look into a room; give the watch, and the statuses that it told."""
    told: list[str] = []
    room: Any = Room(metadata, *inside)
    watch = RoomWatcher(room, told.append)
    watch.see(room)
    return watch, told


def test_what_the_host_tells_is_how_the_call_went() -> None:
    facts = {"host_outcome": "busy", "host_reason": "It is busy.", "host_sip_status": "486"}
    watch, _ = seen(somebody(AGENT, **facts, host_retryable="True"))
    assert watch.over.is_set()
    assert watch.placed("r") == CallResult(Outcome.BUSY, "It is busy.", "r", 486, retryable=True)


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ("2026-01-16T08:00:00-05:00", "2026-01-16T08:00:00-05:00"),
        ("2026-01-16T08:00:00", None),
        ("tomorrow", None),
        ("", None),
    ],
)
def test_when_a_blocked_call_is_allowed_is_a_time_with_its_zone(
    told: str, known: str | None
) -> None:
    facts = {"host.outcome": "blocked", "host.reason": "too late", "host.retry_at": told}
    watch, _ = seen(metadata=json.dumps(facts))
    placed = watch.placed("r")
    assert placed.retry_at == known
    assert json.loads(placed.as_json())["retry_at"] == known


def test_what_a_host_tells_for_a_dead_process_stands_in_the_rooms_metadata() -> None:
    facts = {"host.outcome": "failed", "host.reason": "It died.", "host.retryable": "False"}
    watch, _ = seen(metadata=json.dumps(facts))
    assert watch.placed("r") == CallResult(Outcome.FAILED, "It died.", "r", None, retryable=False)


@pytest.mark.parametrize(
    "metadata",
    [
        *("", " ", "none", "[]", "7", '"x"', "null", "{", "\ud800"),
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"host.outcome": "fine"}',
        '{"host.outcome": ["busy"]}',
        '{"host.outcome": null}',
        '{"host.reason": "x", "x": "' + "x" * 2_000_000 + '"}',
    ],
    ids=lambda metadata: ascii(metadata[:20]),
)
def test_metadata_of_others_harms_no_watcher(metadata: str) -> None:
    watch, _ = seen(metadata=metadata)
    assert watch.placed("r") == UNTOLD


@pytest.mark.parametrize("status", ["", "x", "4860", "-1", "1" * 5000, "４８６"])
def test_an_outcome_with_nothing_beside_it_that_can_be_read_is_one(status: str) -> None:
    watch, _ = seen(metadata=json.dumps({"host.outcome": "busy", "host.sip_status": status}))
    assert watch.placed("r") == CallResult(Outcome.BUSY, "", "r", None)


def test_nobody_but_an_agent_tells_how_a_call_went_and_nobody_but_a_telephone_how_it_stands() -> (
    None
):
    ours = {"host_outcome": "completed", "sip_callStatus": "active"}
    watch, told = seen(somebody(BROWSER, **ours))
    assert watch.placed("r") == UNTOLD
    assert told == []
    _, told = seen(somebody(SIP, sip_callStatus="ringing"))
    assert told == ["ringing"]
