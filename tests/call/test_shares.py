"""A call's shares: which persona had it when, and how that counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from deployment import Deployment

from host.call.live import LiveCall
from host.call.state import CallState
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.settings import load_settings

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
ENDING = Ending(Outcome.COMPLETED, "far end", "the caller hung up")


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> CallState:
    """A call of ann, bob and ann again: dispatched at noon, and answered after ten seconds."""
    state = CallState(id="AJ_1", dispatched_at=NOON, answered_at=NOON + timedelta(seconds=10))
    for persona, second in (("ann", 0), ("bob", 40), ("ann", 55)):
        at = NOON + timedelta(seconds=second)
        monkeypatch.setattr("host.call.state.now", lambda at=at: at)
        state.begin_share(persona)
    state.ended_at = NOON + timedelta(seconds=60)
    return state


def test_the_time_before_the_answer_is_nobody_s(state: CallState) -> None:
    assert (state.talked_with("ann"), state.talked_with("bob")) == (35, 15)
    assert state.talked_with("ann") + state.talked_with("bob") == state.lasted
    assert state.talked_with("cat") == 0


def test_a_share_that_still_goes_on_counts_until_now(
    state: CallState, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.ended_at = None
    monkeypatch.setattr("host.call.state.now", lambda: NOON + timedelta(seconds=57))
    assert state.talked_with("ann") == 32


def test_the_record_has_the_first_persona_and_all_of_them(state: CallState) -> None:
    record = state.record(ENDING)
    assert (record.persona, state.persona) == ("ann", "ann")
    assert [share.name for share in record.personas] == ["ann", "bob", "ann"]
    assert record.personas[-1].until == record.ended_at
    written = record.model_dump(mode="json")["personas"][1]
    assert written == {
        "name": "bob",
        "from": "2026-11-30T12:00:40Z",
        "until": "2026-11-30T12:00:55Z",
    }
    assert state.personas[-1].until is None, "a checkpoint is written of a call that goes on"


def test_a_persona_that_is_asked_whether_it_takes_the_call_does_not_own_it(
    state: CallState,
) -> None:
    state.persona = "cat"
    assert state.owner == "ann"
    assert CallState(persona="cat").owner == "cat"


def test_the_facts_are_as_private_as_the_strictest_persona_wants_them(
    state: CallState, deployment: Deployment
) -> None:
    deployment.write("host.toml", "[personas.ann]\nrecord_numbers = true\n[personas.bob]\n")
    number = "+12125550134"
    state.number, state.metadata = number, {"reference": f"lead of {number}"}
    call = LiveCall(load_settings(), state)
    facts = call.call.facts()
    assert (facts["persona"], facts["id"]) == ("ann", "AJ_1")
    assert number not in json.dumps(facts)
    state.personas[1].name = "ann"
    facts = call.call.facts()
    assert (facts["number"], facts["reference"]) == (number, f"lead of {number}")


def test_the_first_persona_is_counted_as_the_call_and_others_beside_it(state: CallState) -> None:
    assert (state.share_id("ann"), state.share_id("bob")) == ("AJ_1", "AJ_1 bob")
    assert CallState(id="AJ_2").share_id("ann") == "AJ_2"


def test_a_call_of_one_persona_lasts_as_it_did_before_there_were_shares() -> None:
    state = CallState(answered_at=NOON, ended_at=NOON + timedelta(seconds=7), persona="ann")
    assert state.talked_with("ann") == state.lasted == 7
    assert state.record(ENDING).persona == "ann"
    assert state.handed_over_by is None
