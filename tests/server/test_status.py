"""How the API notes the line of a call that it placed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from host.server.api.schemas import AskedCall
from host.server.api.status import note_status


@pytest.fixture
def asked() -> AskedCall:
    """A call that was asked for a moment ago."""
    return AskedCall(id="c", persona="ann", room="ann-c", asked_at=datetime.now(UTC))


def test_each_status_has_its_moment(asked: AskedCall) -> None:
    for status in ("dialing", "ringing", "active"):
        note_status(asked, status)
        assert asked.status == status
    assert asked.dialing_at is not None
    assert asked.ringing_at is not None
    assert asked.answered_at is not None
    assert asked.asked_at <= asked.dialing_at <= asked.ringing_at <= asked.answered_at


def test_a_call_whose_dialling_nobody_saw_was_dialled_when_it_rang(asked: AskedCall) -> None:
    note_status(asked, "ringing")
    assert asked.dialing_at == asked.ringing_at is not None
    assert asked.answered_at is None


def test_a_call_that_is_answered_at_once_never_rang(asked: AskedCall) -> None:
    note_status(asked, "active")
    assert asked.dialing_at == asked.answered_at is not None
    assert asked.ringing_at is None


def test_a_moment_stays_when_its_status_comes_again(asked: AskedCall) -> None:
    note_status(asked, "automation")
    answered = asked.answered_at
    note_status(asked, "active")
    assert asked.answered_at == answered is not None


def test_what_is_no_status_of_a_line_changes_nothing(asked: AskedCall) -> None:
    before = asked.model_copy()
    for status in ("hangup", "nonsense", ""):
        note_status(asked, status)
    assert asked == before
