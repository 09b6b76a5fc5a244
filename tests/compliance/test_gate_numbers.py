"""No forbidden number is ever asked of LiveKit, and every allowed one is: what leaves is judged."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from typing import Any

import pytest
from carrier import Carrier, place
from livekit import api
from policy import DEFAULT_TYPES, NAMES, examples, may_be_called, never_allowed
from sample_calls import call_of
from tricks import GOOD, tricks

from host.base.errors import MetadataError
from host.call.dispatch import read_dispatch
from host.records.outcome import Outcome
from host.settings import Settings

ALWAYS: dict[str, Any] = {
    "calling_hours": "00:00-24:00",
    "max_attempts_a_day": 0,
    "trunk": "ST_1",
}

POLICIES = (
    (("US",), DEFAULT_TYPES),
    (("CA",), DEFAULT_TYPES),
    (("DO", "JM"), DEFAULT_TYPES),
    (("GB", "DE", "FR", "IT"), DEFAULT_TYPES),
    (("GB", "DE", "FR", "IT"), ("fixed",)),
    (("AU", "RU", "NO"), ("mobile", "toll_free")),
    (("AT", "JP"), tuple(NAMES)),
)


async def dialled(
    carrier: Carrier, settings: Settings, numbers: Iterable[str]
) -> dict[str, Outcome | None]:
    """Have a persona call each of these; give how those that were not dialled ended."""
    outcomes: dict[str, Outcome | None] = {}

    async def one(livekit: api.LiveKitAPI, number: str) -> None:
        ending = await place(livekit, call_of(settings, number))
        outcomes[number] = ending.outcome if ending else None

    async with carrier.livekit() as livekit:
        waiting = list(numbers)
        while waiting:
            await asyncio.gather(*(one(livekit, each) for each in waiting[:20]))
            waiting = waiting[20:]
    return outcomes


def test_there_are_a_thousand_numbers_and_a_hundred_tricks() -> None:
    assert len({*examples(), *never_allowed()}) >= 1000
    assert len(tricks()) >= 100


@pytest.mark.corpus(one_of=3)
@pytest.mark.parametrize(("countries", "types"), POLICIES, ids=lambda each: "-".join(each)[:24])
async def test_of_all_examples_those_of_the_policy_are_dialled_and_no_other(
    carrier: Carrier, countries: Collection[str], types: Collection[str]
) -> None:
    settings = Settings(**ALWAYS, countries=countries, number_types=types)
    numbers = {*examples(), *never_allowed()}
    allowed = {each for each in examples() if may_be_called(each, countries, types)}
    outcomes = await dialled(carrier, settings, numbers)
    assert len(allowed) >= 3
    assert sorted(carrier.dialled) == sorted(allowed)
    assert {outcomes[each] for each in numbers - allowed} == {Outcome.BLOCKED}


@pytest.mark.corpus
async def test_without_a_word_in_host_toml_only_the_countries_of_our_own_numbers_are_dialled(
    carrier: Carrier,
) -> None:
    settings = Settings(
        **ALWAYS,
        caller_id="+442071234567",
        personas={"desk": {"numbers": ["+4930123456", "+15550001111"], "caller_id": None}},
    )
    await dialled(carrier, settings, examples())
    expected = {each for each in examples() if may_be_called(each, ("GB", "DE"), DEFAULT_TYPES)}
    assert sorted(carrier.dialled) == sorted(expected)


async def test_a_host_without_a_number_and_a_country_dials_nothing(carrier: Carrier) -> None:
    outcomes = await dialled(carrier, Settings(**ALWAYS), examples())
    assert carrier.dialled == []
    assert set(outcomes.values()) == {Outcome.BLOCKED}


async def test_no_trick_is_dialled_and_the_honest_number_is(carrier: Carrier) -> None:
    settings = Settings(
        **ALWAYS, countries=["US", "GB", "DE"], transfers={"bob": "sip:bob@pbx.example"}
    )
    outcomes = await dialled(carrier, settings, [*tricks(), GOOD])
    assert carrier.dialled == [GOOD]
    assert {outcome for text, outcome in outcomes.items() if text != GOOD} == {Outcome.BLOCKED}


def test_metadata_with_a_trick_dials_nothing_before_the_gate_is_even_asked() -> None:
    import json

    for trick in tricks():
        try:
            number = read_dispatch(json.dumps({"phone_number": trick})).phone_number
        except MetadataError:
            continue
        assert number == trick  # in E.164, and forbidden: the gate's part
        assert number != GOOD


async def test_everything_is_refused_with_a_rule_and_without_the_number(carrier: Carrier) -> None:
    settings = Settings(**ALWAYS, countries=["US"])
    async with carrier.livekit() as livekit:
        for number in ("+4930123456", "+19005551234", "+881612345678", "+18765551234"):
            ending = await place(livekit, call_of(settings, number))
            assert ending is not None
            assert (ending.outcome, ending.by) == (Outcome.BLOCKED, "host")
            assert ending.reason.endswith(")")
            assert "(rule: " in ending.reason
            assert number[1:] not in ending.reason
            assert not ending.worth_a_retry
