"""Limits that the host holds: silence, duration, tools in a row, calls at once and a day."""

from __future__ import annotations

import asyncio

import pytest
from scene import length_of, on_its_way

from host.local.phone import Line, PersonScript, PhoneCall
from host.records.outcome import Outcome
from host.settings import Words
from host.testing import Scene, heard, heard_once, not_heard

WORDS = Words()


@pytest.mark.promise("A silent caller hears two prompts and a goodbye")
async def test_a_caller_who_says_nothing_is_asked_twice_and_then_bidden_goodbye(
    scene: Scene,
) -> None:
    call = await scene.ring("quiet")
    record = await scene.over(call)
    asked = heard_once(call, WORDS.silent)
    again = heard_once(call, WORDS.still_silent)
    goodbye = heard_once(call, WORDS.silent_goodbye)
    assert asked.end < again.start < again.end < goodbye.start
    assert again.start - asked.end > 1.8
    assert length_of(call) > goodbye.end + on_its_way(scene)
    assert (call.ended_by, record.ended_by) == ("far end", "host")
    assert (record.outcome, record.reason) == (
        Outcome.COMPLETED,
        "the caller stayed silent",
    )


@pytest.mark.memory
async def test_a_word_or_a_key_begins_the_patience_anew(scene: Scene) -> None:
    async def slow(line: Line) -> None:
        await line.heard("are you still there")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.heard("are you still there")
        await line.press("5")
        await line.heard("are you still there")
        await line.hang_up()

    call = await scene.ring("quiet", slow)
    record = await scene.over(call)
    assert len(heard(call, WORDS.silent)) == 3
    not_heard(call, WORDS.still_silent)
    assert record.ended_by == "far end"


@pytest.mark.promise("A call at `max_duration` ends after a warning and a goodbye")
async def test_the_end_of_the_time_is_told_before_it_comes(scene: Scene) -> None:
    call = await scene.ring("warned")
    record = await scene.over(call)
    warning, goodbye = heard_once(call, WORDS.time_nearly_up), heard_once(call, WORDS.time_up)
    assert 6 < warning.start < 11
    assert 13 < goodbye.start < 19
    assert length_of(call) > goodbye.end + on_its_way(scene)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "host")
    assert record.reason == "the call reached its maximum duration of 14 s"


@pytest.mark.memory
async def test_a_call_that_is_shorter_than_its_warning_is_not_warned(scene: Scene) -> None:
    call = await scene.ring("timed")
    record = await scene.over(call)
    heard_once(call, "Good evening, we have very little time.")
    heard_once(call, WORDS.time_up)
    not_heard(call, WORDS.time_nearly_up)
    assert record.reason == "the call reached its maximum duration of 7 s"


def wants_a_story(after: str) -> PersonScript:
    """Ask for a long story once these words are heard, and listen."""

    async def asks(line: Line) -> None:
        await line.heard(after)
        await line.say("Tell me a long story.")
        await line.stay()

    return asks


def is_broken_off(call: PhoneCall) -> None:
    """Assert that the story has begun, and was not told to its end."""
    heard_once(call, "Once there was a king.")
    rest = (
        "He had three daughters, and each was cleverer than the one before, so that nobody in the "
        "whole country dared to ask them anything."
    )
    assert not any(found.whole for found in heard(call, rest))


@pytest.mark.memory
async def test_the_end_of_the_time_does_not_wait_for_a_story(scene: Scene) -> None:
    call = await scene.ring("warned", wants_a_story("our time is nearly up"))
    record = await scene.over(call)
    is_broken_off(call)
    assert heard_once(call, WORDS.time_up).start < 16
    assert record.ended_by == "host"


@pytest.mark.memory
async def test_nor_does_it_where_the_story_leaves_no_room_for_the_warning(scene: Scene) -> None:
    call = await scene.ring("warned", wants_a_story("how may I help you"))
    record = await scene.over(call)
    is_broken_off(call)
    not_heard(call, WORDS.time_nearly_up)
    assert heard_once(call, WORDS.time_up).start < 16
    assert record.ended_by == "host"


@pytest.mark.memory
async def test_a_model_that_uses_one_tool_again_and_again_has_to_answer(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("here is the looper")
        await line.say("Please look it up.")
        await line.heard("I could not find it")
        await line.say("Then look it up once more.")
        await line.heard("I could not find it")
        await line.hang_up()

    call = await scene.ring("loops", asks)
    record = await scene.over(call)
    assert [tool.name for tool in record.tools] == ["look_up"] * 4
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.memory
async def test_a_model_that_has_run_wild_ends_its_call(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("here is the wild one")
        await line.say("Please go on.")
        await line.stay()

    call = await scene.ring("wild", asks)
    record = await scene.over(call)
    heard_once(call, WORDS.stuck)
    assert (record.outcome, record.ended_by) == (Outcome.FAILED, "host")
    assert record.reason.startswith("the model called tools ")
    assert len(record.tools) <= 5


async def test_a_persona_has_no_more_calls_at_once_and_a_day_than_it_may(scene: Scene) -> None:
    first = await scene.ring("few")
    await first.answered()
    second = await scene.ring("few")
    refused = await scene.over(second)
    assert second.sip_status == 486
    assert refused.outcome is Outcome.REFUSED
    assert refused.reason == "few has reached its limit of live calls (1)"
    await first.hang_up()
    await scene.over(first)
    third = await scene.ring("few")
    await third.answered()
    await third.hang_up()
    await scene.over(third)
    fourth = await scene.ring("few")
    refused = await scene.over(fourth)
    assert refused.reason == "few has reached its daily limit of calls (2)"


async def test_callers_at_the_same_moment_do_not_exceed_a_limit_together(scene: Scene) -> None:
    calls = await asyncio.gather(*(_ring_the_other_few(scene) for _ in range(3)))
    answered = [call for call in calls if call.answered_at]
    for call in answered:
        await call.hang_up()
    records = [await scene.over(call) for call in calls]
    assert len(answered) == 1
    assert [record.outcome for record in records].count(Outcome.REFUSED) == 2


async def _ring_the_other_few(scene: Scene) -> PhoneCall:
    call = await scene.ring("fewer")
    try:
        await call.answered()
    except ConnectionError:
        return call
    return call
