"""`call.results`: what may be put in, and what becomes of it."""

from __future__ import annotations

import copy
import json
import math
from datetime import datetime
from typing import Any

import pytest
from sample_calls import call_of

from host.base.errors import HostError
from host.call.call import Call
from host.call.live import LiveCall
from host.call.results import MAX_RESULTS
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.settings import Settings

BOOKING = {"day": "Monday", "hours": [9, 10.5], "for": {"name": "Ann", "new": True, "age": None}}
ENDING = Ending(Outcome.COMPLETED, "far end", "the caller hung up")


@pytest.fixture
def live() -> LiveCall:
    return call_of(Settings())


@pytest.fixture
def call(live: LiveCall) -> Call:
    return live.call


def test_what_is_put_in_is_in_the_record(live: LiveCall) -> None:
    live.call.results["booking"] = BOOKING
    live.call.results["slots"] = ("9:00", "10:00")  # JSON has one kind of list
    assert live.state.record(ENDING).results == {"booking": BOOKING, "slots": ["9:00", "10:00"]}


def test_results_are_read_like_a_dict(call: Call) -> None:
    call.results.update(booking=BOOKING, visits=3)
    assert call.results["booking"] == BOOKING
    assert (dict(call.results), len(call.results)) == ({"booking": BOOKING, "visits": 3}, 2)
    assert json.loads(json.dumps(call.results["booking"])) == BOOKING
    del call.results["visits"]
    assert "visits" not in call.results
    assert call.results.get("visits") is None
    with pytest.raises(KeyError):
        call.results["visits"]


def test_a_value_is_the_one_that_was_set_whatever_becomes_of_it_elsewhere(call: Call) -> None:
    booking = copy.deepcopy(BOOKING)
    call.results["booking"] = booking
    booking["day"] = "Tuesday"
    assert call.results["booking"] == BOOKING


def test_a_change_in_place_is_refused_and_a_copy_may_be_changed(call: Call) -> None:
    call.results["booking"] = BOOKING
    with pytest.raises(TypeError, match="read-only: set the changed value again"):
        call.results["booking"]["day"] = "Tuesday"
    with pytest.raises(TypeError, match="read-only"):
        call.results["booking"]["hours"].append(11)
    changed = copy.deepcopy(call.results["booking"])
    changed["for"]["name"] = "Bob"
    call.results["booking"] = changed
    assert call.results["booking"]["for"]["name"] == "Bob"


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (datetime(2026, 11, 30), "it has a datetime"),
        ([{"at": datetime(2026, 11, 30)}], "it has a datetime"),
        ({1: "one"}, "a key is a int"),
        ({"a", "b"}, "it has a set"),
        (math.nan, "a number is infinite or NaN"),
        (LOOP, "it is nested more than 8 deep"),
        ("half of an emoji: \ud83d", "UTF-8 can't encode it"),
    ],
    ids=["a date", "a date deep inside", "a number as key", "a set", "NaN", "a loop", "half"],
)
def test_what_is_not_json_is_one_clear_error_at_once(call: Call, value: Any, why: str) -> None:
    with pytest.raises(HostError, match=rf"^call.results\['booking'\] is not JSON: {why}$"):
        call.results["booking"] = value
    assert not call.results


def test_all_results_together_are_bounded(call: Call) -> None:
    half = "x" * (MAX_RESULTS // 2)
    call.results["one"] = half
    with pytest.raises(HostError, match=r"^call.results\['other'\] is too big: .* 16384 bytes$"):
        call.results["other"] = half
    call.results["one"] = "short"  # it takes the other's place
    call.results["other"] = half
    assert set(call.results) == {"one", "other"}


@pytest.mark.parametrize("name", ["", "x" * 101, "a\nb", 7])
def test_a_name_is_a_short_line(call: Call, name: Any) -> None:
    with pytest.raises(HostError, match="a name has 1 to 100 printable characters"):
        call.results[name] = 1


def test_the_hosts_own_result_is_left_to_it(call: Call) -> None:
    with pytest.raises(HostError, match="'conclusions'.* is the host's own"):
        call.results["conclusions"] = {}


def test_a_private_number_is_masked_in_results(live: LiveCall) -> None:
    live.keypad.keep_secret("4711")
    live.call.results.update(card="4711", number=4711, more=["card 4711", "47110"])
    assert dict(live.call.results) == {
        "card": "••••",
        "number": "••••",
        "more": ["card ••••", "47110"],
    }


def test_a_checkpoint_is_due_after_a_result(live: LiveCall) -> None:
    live.call.results["booking"] = BOOKING
    assert live.transcript_changed.is_set()


async def test_a_result_that_comes_after_the_record_is_refused(
    live: LiveCall, caplog: pytest.LogCaptureFixture
) -> None:
    async def call_ended(call: Call) -> None:
        call.results["late"] = True

    live = call_of(Settings(), call_ended=lambda call, record: [call_ended(call)])
    hooks: Any = live.hooks
    hooks.in_turn = lambda hook: [getattr(hooks, hook)]
    await live.events.emit_call_ended(live.state.record(ENDING))
    assert "call.results['late'] is set too late: the call's record is made" in caplog.text
