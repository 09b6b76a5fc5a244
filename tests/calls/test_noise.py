"""Noise, and speech that is no words: what is cancelled, asked again, and given up."""

from __future__ import annotations

import numpy as np
import pytest
from in_memory.sound import MUMBLED, SECONDS_A_CHARACTER
from in_memory.sound import speak as speak_in_memory
from troubles import APOLOGY, FILLER, GREETING, NOT_HEARD

from host.local.exchange import PersonScript, PhoneCall
from host.local.phone import Line, Telephone
from host.local.sound import RATE, Samples, silence
from host.local.speech import synthesize
from host.records.outcome import Outcome
from host.settings import Words
from host.testing import Scene, heard, heard_once, not_heard

WORDS = Words()
COLLEAGUE = "+15550003201"


def mumbling(seconds: float, in_memory: bool) -> Samples:
    """Speech of which no STT makes words; the real one is played backwards."""
    if in_memory:
        return speak_in_memory(MUMBLED * round(seconds / SECONDS_A_CHARACTER), RATE)
    story = synthesize("Whatever this may have been, it is not what it was any more.", RATE)[::-1]
    return np.resize(story, round(seconds * RATE))


def mumbles(in_memory: bool, *, until: str, then: PersonScript | None = None) -> PersonScript:
    """Mumble two seconds after the greeting and after each request to say it again."""

    async def script(line: Line) -> None:
        await line.heard(GREETING)
        await line.play(mumbling(2.0, in_memory))
        for _ in range(2):
            await line.heard("could you say it again")
            await line.play(mumbling(2.0, in_memory))
        await line.heard(until)
        if then:
            await then(line)
        await line.stay()

    return script


async def takes_it(line: Line) -> None:
    """What a colleague does with a call."""
    await line.wait(1)
    await line.hang_up()


def times_asked_again(call: PhoneCall) -> int:
    """How often the far end was asked to say it again: other apologies begin alike."""
    return sum(found.whole for found in heard(call, NOT_HEARD))


def asked_again_twice(call: PhoneCall) -> None:
    assert times_asked_again(call) == 2
    not_heard(call, FILLER)
    not_heard(call, APOLOGY)


async def test_what_noise_cancellation_removes_is_neither_heard_nor_answered(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("here is the deaf one")
        await line.say("What day is it?")
        await line.silence_for(3.0)
        await line.hang_up()

    call = await scene.ring("deaf", asks)
    record = await scene.over(call)
    heard_once(call, "Here is the deaf one.")
    not_heard(call, "Today is Monday.")
    assert [line.who for line in record.transcript] == ["persona"]


@pytest.mark.memory
async def test_who_is_never_understood_is_asked_twice_and_bidden_goodbye(
    scene: Scene, in_memory: bool
) -> None:
    call = await scene.ring("troubled", mumbles(in_memory, until="i am hanging up now"))
    record = await scene.over(call)
    asked_again_twice(call)
    heard_once(call, WORDS.unclear_goodbye)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "host")
    assert record.reason == "the caller could not be understood"


@pytest.mark.memory
async def test_a_key_leads_to_a_colleague_if_there_is_one(scene: Scene, in_memory: bool) -> None:
    async def presses(line: Line) -> None:
        await line.press("1")

    scene.exchange.connect(COLLEAGUE, Telephone(script=takes_it))
    call = await scene.ring("handed", mumbles(in_memory, until="press 1", then=presses))
    record = await scene.over(call)
    asked_again_twice(call)
    assert call.transferred_to == COLLEAGUE
    assert record.outcome is Outcome.TRANSFERRED


@pytest.mark.memory
async def test_who_presses_nothing_is_bidden_goodbye(scene: Scene, in_memory: bool) -> None:
    call = await scene.ring("handed", mumbles(in_memory, until="press 1"))
    record = await scene.over(call, 80)
    asked_again_twice(call)
    heard_once(call, WORDS.unclear_offer)
    heard_once(call, WORDS.unclear_goodbye)
    assert (record.outcome, record.transfers) == (Outcome.COMPLETED, [])


@pytest.mark.memory
async def test_who_speaks_up_instead_of_pressing_a_key_is_answered(
    scene: Scene, in_memory: bool
) -> None:
    async def speaks_up(line: Line) -> None:
        await line.say("What day is it?")
        await line.heard("today is monday", limit=20)
        await line.hang_up()

    call = await scene.ring("handed", mumbles(in_memory, until="press 1", then=speaks_up))
    record = await scene.over(call)
    heard_once(call, "Today is Monday.")
    not_heard(call, WORDS.unclear_goodbye)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")


async def test_who_is_understood_at_the_second_try_is_answered(
    scene: Scene, in_memory: bool
) -> None:
    async def script(line: Line) -> None:
        await line.heard(GREETING)
        await line.play(mumbling(2.0, in_memory))
        await line.heard("could you say it again")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("troubled", script)
    record = await scene.over(call)
    heard_once(call, NOT_HEARD)
    not_heard(call, FILLER)
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.memory
async def test_a_callee_who_is_never_understood_was_not_reached(
    scene: Scene, in_memory: bool
) -> None:
    telephone = Telephone(script=mumbles(in_memory, until="i am hanging up now"))
    result, call, record = await scene.place_to(telephone, "troubled")
    asked_again_twice(call)
    assert (record.outcome, record.reason) == (
        Outcome.NO_ANSWER,
        "the callee could not be understood",
    )
    assert result.outcome is Outcome.NO_ANSWER


@pytest.mark.sample("without a gap")
@pytest.mark.corpus
@pytest.mark.parametrize("gap", [0.0, 0.5], ids=["without a gap", "with gaps"])
async def test_babble_of_a_minute_counts_as_silence(
    scene: Scene, in_memory: bool, gap: float
) -> None:
    async def has_the_television_on(line: Line) -> None:
        await line.heard(GREETING)
        burst = np.concatenate([mumbling(4.0, in_memory), silence(gap)])
        await line.play(np.tile(burst, 20))

    call = await scene.ring("troubled", has_the_television_on)
    record = await scene.over(call, 120)
    asked = heard(call, WORDS.silent)[0]
    assert 25 < asked.start < 45
    assert times_asked_again(call) == (1 if gap else 0)
    heard_once(call, WORDS.unclear_goodbye)
    assert (record.outcome, record.reason) == (
        Outcome.COMPLETED,
        "the caller could not be understood",
    )
    assert record.duration < 80


@pytest.mark.memory
async def test_babble_is_prompted_at_its_first_gap(scene: Scene, in_memory: bool) -> None:
    ended = []

    async def babbles(line: Line) -> None:
        await line.heard(GREETING)
        await line.play(mumbling(22.0, in_memory))
        ended.append(line.call.since_answer())
        await line.heard("could you say it again")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("troubled", babbles)
    await scene.over(call, 60)
    assert heard_once(call, NOT_HEARD).start - ended[0] < 1.0
