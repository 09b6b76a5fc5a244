"""The first words: the persona's are spoken once, the caller's are never lost."""

from __future__ import annotations

import pytest
from people import asks_into_the_greeting

from host.local.phone import Line, Telephone
from host.records.outcome import Outcome
from host.testing import Scene, heard_once

FIRM = (
    "This is the firm greeting of the tests, which goes on for quite a while so that "
    "everybody has the time to talk into it. It is nearly over. That was it."
)


@pytest.mark.promise("Speech during a non-interruptible greeting is answered after it", only="firm")
@pytest.mark.parametrize("persona", ["firm", "choosy"])  # the latter has session options of its own
async def test_words_into_a_greeting_that_can_not_be_interrupted_are_answered_after_it(
    scene: Scene, persona: str
) -> None:
    call = await scene.ring(persona, asks_into_the_greeting)
    record = await scene.over(call)
    greeting = heard_once(call, FIRM)
    assert heard_once(call, "Today is Monday.").start > greeting.end
    said = [(line.who, line.text) for line in record.transcript]
    assert ("caller", "What day is it?") in said


@pytest.mark.memory
async def test_words_across_the_end_of_such_a_greeting_are_answered_once(scene: Scene) -> None:
    async def talks_on(line: Line) -> None:
        await line.heard("talk into it")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.silence_for(2.5)
        await line.hang_up()

    call = await scene.ring("firm", talks_on)
    await scene.over(call)
    heard_once(call, FIRM)
    heard_once(call, "Today is Monday.")


async def test_a_greeting_that_can_be_interrupted_gives_way_to_a_question(scene: Scene) -> None:
    async def interrupts(line: Line) -> None:
        await line.sound()
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("desk", interrupts)
    await scene.over(call)
    heard_once(call, "Today is Monday.")


@pytest.mark.memory
async def test_a_hello_into_the_greeting_of_a_placed_call_is_not_answered_twice(
    scene: Scene,
) -> None:
    async def hello(line: Line) -> None:
        await line.sound()
        await line.say("Hello?")
        await line.silence_for(2.5)
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    _, call, _ = await scene.place_to(Telephone(script=hello), "talks")
    heard_once(call, "I talk to everybody who picks up.")
    heard_once(call, "Today is Monday.")
    assert len([words for words in call.heard if words.text]) <= 4


async def test_whoever_speaks_the_moment_they_are_answered_is_heard(scene: Scene) -> None:
    async def hasty(line: Line) -> None:
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("desk", hasty)
    record = await scene.over(call)
    heard_once(call, "Today is Monday.")
    assert [line.text for line in record.transcript if line.who == "caller"] == ["What day is it?"]


@pytest.mark.memory
async def test_a_caller_who_waits_for_the_greeting_costs_one_connection_to_the_stt(
    scene: Scene,
) -> None:
    async def waits(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    before = len(scene.world.deepgram.requests)
    call = await scene.ring("desk", waits)
    await scene.over(call)
    heard_once(call, "Today is Monday.")
    assert len(scene.world.deepgram.requests) - before == 1


@pytest.mark.memory
async def test_the_hasty_are_answered_after_a_greeting_that_can_not_be_interrupted_too(
    scene: Scene,
) -> None:
    async def hasty(line: Line) -> None:
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.silence_for(2.0)
        await line.hang_up()

    call = await scene.ring("firm", hasty)
    await scene.over(call)
    greeting = heard_once(call, FIRM)
    assert heard_once(call, "Today is Monday.").start > greeting.end


@pytest.mark.sample("Hello?")
@pytest.mark.parametrize("hello", ["Hello?", "Baker speaking."])
async def test_a_hello_that_is_understood_late_is_in_the_record(scene: Scene, hello: str) -> None:
    async def ann(line: Line) -> None:
        await line.say(hello)
        await line.heard("this is a test call")
        await line.silence_for(3.0)
        await line.hang_up()

    scene.world.deepgram.delay = 0.8
    try:
        _, call, record = await scene.place_to(Telephone(script=ann), "leaves", name="Ann")
    finally:
        scene.world.deepgram.delay = 0.0
    heard_once(call, "Good morning Ann, this is a test call.")
    assert [said.text for said in record.transcript if said.who == "caller"] == [hello]
    assert [said.who for said in record.transcript].count("persona") == 1
    assert record.outcome is Outcome.COMPLETED
