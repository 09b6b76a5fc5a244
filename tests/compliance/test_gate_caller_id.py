"""A call shows a number of its persona's own, or is not dialled."""

from __future__ import annotations

import json
from typing import Any

import pytest
from carrier import Carrier, place
from sample_calls import call_of

from host.base.errors import MetadataError
from host.call.dispatch import read_dispatch
from host.compliance import Gate, Rule
from host.records.outcome import Outcome
from host.settings import Settings

CALLEE, DEFAULT = "+12125550101", "+12125550100"
PERSONAS: dict[str, Any] = {
    "desk": {"numbers": ["+12125550110", "(212) 555-0111", "0012125550112", "1001"]},
    "ann": {"numbers": ["+12125550120"], "caller_id": "+12125550121"},
}
OURS: dict[str, Any] = {
    "caller_id": DEFAULT,
    "countries": ["US"],
    "calling_hours": "",
    "max_attempts_a_day": 1,
    "trunk": "ST_1",
    "personas": PERSONAS,
}


@pytest.mark.parametrize(
    ("persona", "shown"),
    [
        ("desk", DEFAULT),
        ("desk", "+12125550110"),
        ("desk", "+12125550111"),
        ("desk", "+12125550112"),
        ("ann", "+12125550120"),
        ("ann", "+12125550121"),
    ],
)
def test_a_persona_may_show_its_own_numbers_however_they_are_written(
    persona: str, shown: str
) -> None:
    settings = Settings(**OURS)
    gate = Gate(settings, settings.persona(persona))
    assert gate.dial(CALLEE, attempt=False, caller_id=shown).allowed


@pytest.mark.parametrize(
    ("persona", "shown"),
    [
        ("desk", "+12125550199"),
        ("desk", "+12125550120"),  # of ann
        ("desk", CALLEE),
        ("ann", DEFAULT),  # she has one of her own in its place
        ("eve", "+12125550110"),
        ("desk", "+1001"),
        ("desk", ""),
    ],
)
def test_and_no_others(persona: str, shown: str) -> None:
    settings = Settings(**OURS)
    gate = Gate(settings, settings.persona(persona))
    verdict = gate.dial(CALLEE, caller_id=shown)
    assert (verdict.allowed, verdict.rule) == (False, Rule.CALLER_ID)
    assert verdict.reason == (
        "the caller ID is none of the persona's own numbers (caller_id, numbers)"
    )
    assert gate.dial(CALLEE).allowed  # it was no attempt


def test_a_number_that_must_not_be_called_is_refused_for_that() -> None:
    settings = Settings(**OURS)
    gate = Gate(settings, settings.persona("desk"))
    assert gate.dial("+442071234567", caller_id="+12125550199").rule is Rule.COUNTRY


async def test_livekit_is_told_to_show_it(carrier: Carrier) -> None:
    async with carrier.livekit() as livekit:
        call = call_of(Settings(**OURS), CALLEE)
        call.state.metadata = {"phone_number": CALLEE, "caller_id": "+12125550110"}
        assert await place(livekit, call) is None
    assert [each.sip_number for each in carrier.requests] == ["+12125550110"]


async def test_a_call_that_shows_anothers_number_is_blocked_and_not_dialled(
    carrier: Carrier,
) -> None:
    async with carrier.livekit() as livekit:
        call = call_of(Settings(**OURS), CALLEE)
        call.state.metadata = {"phone_number": CALLEE, "caller_id": "+12125550120"}
        ending = await place(livekit, call)
    assert carrier.dialled == []
    assert ending is not None
    assert (ending.outcome, ending.worth_a_retry) == (Outcome.BLOCKED, False)
    assert "(rule: caller_id)" in ending.reason
    assert call.state.dialled_at is None


@pytest.mark.parametrize("shown", ["2125550100", "anonymous", 5, True, ["+12125550100"], "", {}])
def test_what_is_no_number_makes_the_metadata_of_a_call_to_dial_invalid(shown: Any) -> None:
    metadata = {"caller_id": shown}
    with pytest.raises(MetadataError, match="caller_id in the metadata is not an E.164 number"):
        read_dispatch(json.dumps({"phone_number": CALLEE, **metadata}))
    # Of a call that comes in, a field of that name is the application's own.
    assert read_dispatch(json.dumps(metadata)).caller_id is None
