"""Providers that fail in every way: what the far end hears, how long it hears nothing."""

from __future__ import annotations

import pytest
from troubles import (
    ANSWER,
    APOLOGY,
    FILLER,
    GREETING,
    KINDS,
    NOT_HEARD,
    QUESTION,
    Troubled,
    asks,
    asks_until_answered,
    greeted,
    last_sound_of_the_caller,
    listens,
    ring,
    sounds_are_kept,
    worst_silence,
)
from ways import Rings

from host.local.phone import Busy, Line, Telephone
from host.local.trouble import Trouble
from host.records.outcome import Outcome
from host.testing import Scene, heard, heard_once, not_heard

LIMIT = 8.0
"""Seconds of dead air that there may be at most."""
COLLEAGUE = "+15550003201"
"""Who gets the calls of `handed`, as host.toml says."""
HANDED = "I am sorry, something went wrong on our side. I am connecting you to somebody."
SLACK = 1.5
"""Seconds that a busy machine may be late."""
NAMES = {"stt": "STT", "llm": "LLM", "tts": "TTS"}


async def listens_on(line: Line) -> None:
    """What a colleague does with a call."""
    await line.wait(1)
    await line.hang_up()


def called_off(kind: str, troubled: Troubled) -> None:
    """The apology was the last that was heard, and the record says what failed."""
    call, record = troubled.call, troubled.record
    apology = heard_once(call, APOLOGY)
    assert call.ended_by == "far end"
    assert call.answered_at is not None
    assert call.ended_at is not None
    assert call.ended_at - call.answered_at > apology.end
    assert (record.outcome, record.ended_by) == (Outcome.FAILED, "host")
    assert f"the {NAMES[kind]} " in record.reason
    # What was said and not understood may be transcribed when the STT is closed.
    assert [line.text for line in record.transcript if line.who == "persona"][-1] == APOLOGY
    assert worst_silence(call) < LIMIT + SLACK


TROUBLES = [(kind, trouble) for trouble in Trouble for kind in KINDS]
LASTING = [each for each in TROUBLES if each != ("stt", Trouble.STALL)]
"""An STT that stalls has worked before, and is given another chance: see below."""


@pytest.mark.sample("stt-close", "llm-broken", "tts-hang")
@pytest.mark.promise("A caller hears a stored apology when a provider fails", only="llm-broken")
@pytest.mark.parametrize(("kind", "trouble"), LASTING)
@pytest.mark.table(quick=4)
async def test_a_provider_alone_fails_and_the_caller_is_told(
    scene: Scene, kind: str, trouble: Trouble
) -> None:
    script = listens if kind == "tts" else asks
    called_off(kind, await ring(scene, "troubled", kind, trouble, script))


@pytest.mark.sample("stt-broken", "tts-hang")
@pytest.mark.promise("A fallback replaces a provider that hangs", only="tts-hang")
@pytest.mark.parametrize(("kind", "trouble"), TROUBLES)
@pytest.mark.table(quick=4)
async def test_with_a_fallback_the_conversation_goes_on(
    scene: Scene, kind: str, trouble: Trouble
) -> None:
    troubled = await ring(scene, "rescued", kind, trouble, asks_until_answered)
    assert any(found.whole for found in heard(troubled.call, ANSWER))
    assert troubled.record.outcome == Outcome.COMPLETED
    not_heard(troubled.call, APOLOGY)
    assert worst_silence(troubled.call) < LIMIT + SLACK


@pytest.mark.memory
async def test_a_filler_comes_two_seconds_after_the_turn(scene: Scene) -> None:
    troubled = await ring(scene, "troubled", "llm", Trouble.HANG)
    heard_once(troubled.call, GREETING)
    filler = heard_once(troubled.call, FILLER)
    apology = heard_once(troubled.call, APOLOGY)
    asked = last_sound_of_the_caller(troubled.call)
    assert 1.5 < filler.start - asked < 2 + SLACK
    assert 3 < apology.start - filler.start < LIMIT
    assert troubled.record.reason == "the LLM returned no reply"


@pytest.mark.memory
@pytest.mark.parametrize(
    ("kind", "trouble", "times"),
    [("llm", Trouble.CLOSE, 1), ("llm", Trouble.BROKEN, 4), ("tts", Trouble.BROKEN, 4)],
)
async def test_a_glitch_is_no_reason_to_end_a_call(
    scene: Scene, kind: str, trouble: Trouble, times: int
) -> None:
    troubled = await ring(scene, "troubled", kind, trouble, asks_until_answered, times=times)
    assert troubled.record.outcome == Outcome.COMPLETED
    not_heard(troubled.call, APOLOGY)


@pytest.mark.memory
async def test_whoever_is_told_what_failed_may_be_somebody_else(scene: Scene) -> None:
    scene.exchange.connect(COLLEAGUE, Telephone(script=listens_on))
    troubled = await ring(scene, "handed", "llm", Trouble.BROKEN)
    assert heard(troubled.call, HANDED)
    assert troubled.call.transferred_to == COLLEAGUE
    assert troubled.record.outcome == Outcome.TRANSFERRED


async def test_where_nobody_takes_it_the_call_ends_with_an_apology(scene: Scene) -> None:
    scene.exchange.connect(COLLEAGUE, Busy())
    troubled = await ring(scene, "handed", "llm", Trouble.BROKEN)
    assert heard(troubled.call, HANDED)
    assert "Please call again later." in [each.text for each in troubled.call.heard]
    assert troubled.record.transcript[-1].text == APOLOGY
    assert troubled.record.outcome == Outcome.FAILED
    assert [each.succeeded for each in troubled.record.transfers] == [False]


@pytest.mark.memory
async def test_ears_that_have_worked_before_are_given_another_chance(scene: Scene) -> None:
    async def asks_twice(line: Line) -> None:
        await greeted(line)
        await line.say(QUESTION)
        await line.heard("today is monday")
        await line.say("And tell me, what day is it?")
        await line.heard("did not get that", limit=15)
        await line.wait(3)
        await line.hang_up()

    troubled = await ring(scene, "troubled", "stt", Trouble.STALL, asks_twice)
    heard_once(troubled.call, NOT_HEARD)
    assert troubled.record.outcome == Outcome.COMPLETED


@pytest.mark.memory
async def test_a_tool_that_takes_long_is_waited_for_with_fillers(scene: Scene) -> None:
    async def waits(line: Line) -> None:
        await greeted(line)
        await line.say("Please take your time.")
        await line.heard("here it is", limit=40)
        await line.hang_up()

    await sounds_are_kept(scene, "troubled")
    seen = await Rings("troubled", waits).make(scene)
    assert seen.call is not None
    record = await scene.over(seen.call, 60)
    assert record.outcome == Outcome.COMPLETED
    assert len(heard(seen.call, FILLER)) == 2
    assert worst_silence(seen.call) < LIMIT + SLACK


@pytest.mark.memory
async def test_a_call_without_trouble_hears_no_filler(scene: Scene) -> None:
    async def asks_and_waits(line: Line) -> None:
        await greeted(line)
        await line.say(QUESTION)
        await line.heard("today is monday")
        await line.silence_for(4.0)
        await line.hang_up()

    seen = await Rings("troubled", asks_and_waits).make(scene)
    assert seen.call is not None
    record = await scene.over(seen.call)
    assert record.outcome == Outcome.COMPLETED
    not_heard(seen.call, FILLER)
    not_heard(seen.call, APOLOGY)


@pytest.mark.promise("A persona has its own models, TTS voice and language")
@pytest.mark.whole("the servers of the providers see what they are asked for")
async def test_a_persona_alone_is_heard_and_spoken_to_in_its_own_voice_and_language(
    scene: Scene,
) -> None:
    async def hears(words: str) -> tuple[set[tuple[str, str, str]], set[tuple[str, str]]]:
        async def listens(line: Line) -> None:
            await line.heard(words)
            await line.say("What day is it?")  # the greeting may have been rendered before
            await line.heard("today is monday")
            await line.hang_up()

        ears, voices = scene.world.deepgram.requests, scene.world.cartesia.voices
        heard_before, said_before = len(ears), len(voices)
        persona = "berlin" if "berlin" in words else "desk"
        _, call, _ = await scene.place_to(Telephone(script=listens), persona)
        heard_once(call, words)
        asked = {(each["model"], each["language"]) for each in ears[heard_before:]}
        return set(voices[said_before:]), asked

    voices, ears = await hears("this is the berlin desk")
    assert voices == {("sonic-2", "a-voice-of-its-own", "de")}
    assert ears == {("nova-2", "de")}
    voices, ears = await hears("what can I do for you")
    assert {(model, language) for model, _, language in voices} == {("sonic-3", "en")}
    assert ears == {("nova-3", "en")}
