"""Words into the persona's speech: "okay" leaves it the floor, "no, wait" takes it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest

from host.local.phone import Line
from host.records.record import CallRecord
from host.testing import Scene, heard, heard_once

STORY = (
    "Once there was a king. He had three daughters, and each was cleverer than the one before, so "
    "that nobody in the whole country dared to ask them anything."
)
OFFER = (
    "Let me see what there is on Tuesday. There is one at nine, and another at a quarter to four. "
    "Would you like to have the one in the afternoon?"
)
STOPS = 0.4
"""Seconds of silence after which a persona has stopped: between two sentences it makes fewer."""
MONDAY = "Today is Monday."
GREETINGS = {
    "desk": "what can I do for you",
    "berlin": "this is the berlin desk",
    "curt": "make it short",
    "custom": "the custom agent greets you",
    "enters": "who is there",
}
LISTENING = {
    "desk": (
        *("Okay.", "I see.", "Yeah.", "Mm-hmm.", "Uh-huh.", "Right.", "Got it.", "Oh, okay."),
        *("Yeah, sure.", "Of course.", "Yes.", "I understand.", "That makes sense."),
    ),
    "berlin": (
        *("Okay.", "Ja.", "Ja, ja.", "Genau.", "Alles klar.", "Mhm.", "Verstehe.", "Ach so."),
        *("In Ordnung.", "Ja, natürlich.", "Aha, okay.", "Sehr gut."),
    ),
}
"""Backchannels of callers, in the language of the persona that they call."""
INTERRUPTING = {
    "desk": (
        *("No.", "No, wait.", "Stop.", "Wait.", "Okay, but", "Okay, stop.", "Hold on."),
        *("Yes, I know, stop.", "Right, but how much is it?", "What?", "Hello?"),
        *("I see a problem.",),
    ),
    "berlin": (
        *("Nein.", "Stopp.", "Moment.", "Warten Sie.", "Ja, aber", "Okay, und was kostet das?"),
        *("Ja, ich weiß, hören Sie auf.", "Wie bitte?", "Gut, dann Dienstag.", "Halt."),
        *("Ich verstehe nicht.", "Alles klar, tschüss."),
    ),
}
"""What callers say who want the floor."""
A_TABLE = pytest.mark.memory("a table of words: the whole calls of all its rows would take an hour")


def each(table: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(persona, words) for persona, texts in table.items() for words in texts]


class Caller:
    """Asks for a story, says something three seconds into it, and listens to its end."""

    def __init__(self, persona: str, *words: str) -> None:
        self._persona, self._words = persona, words
        self.ended = self.stopped = 0.0
        """When the caller's last word was out, and when the persona had stopped, in seconds from
        the answer."""

    async def __call__(self, line: Line) -> None:
        await line.heard(GREETINGS[self._persona])
        await line.say("Tell me a long story.")
        await line.sound()
        await line.wait(3.0)
        for words in self._words[:-1]:
            await line.say(words)
            await line.wait(1.0)
        self.ended = line.call.since_answer() + await line.begin(self._words[-1])
        await line.silence_for(STOPS)
        self.stopped = line.call.media.heard_something_at
        await line.silence_for(3.0)
        await line.hang_up()


def said_by_the_caller(record: CallRecord) -> list[str]:
    return [line.text for line in record.transcript if line.who == "caller"]


@pytest.mark.corpus(one_of=3)
@A_TABLE
@pytest.mark.parametrize(("persona", "words"), each(LISTENING))
async def test_a_backchannel_leaves_no_gap_and_gets_no_answer(
    scene: Scene, persona: str, words: str
) -> None:
    call = await scene.ring(persona, Caller(persona, words))
    record = await scene.over(call)
    told = heard_once(call, STORY)
    assert told.end - told.start < len(STORY) * 0.06 + 0.3
    assert call.heard[-1].end == pytest.approx(told.end, abs=0.2)
    assert said_by_the_caller(record) == ["Tell me a long story.", words]


@pytest.mark.memory("how long a backchannel takes depends on the voice")
async def test_a_long_backchannel_makes_a_short_gap(scene: Scene) -> None:
    call = await scene.ring("desk", Caller("desk", "Yes, of course, I understand."))
    record = await scene.over(call)
    (gap,) = (
        later.start - earlier.end
        for earlier, later in pairwise(call.heard)
        if later.start - earlier.end > 0.2
        and earlier.start > heard(call, "Once there was")[0].start
    )
    assert gap < 0.6
    assert call.heard[-1].text.endswith("dared to ask them anything.")
    assert said_by_the_caller(record)[1:] == ["Yes, of course, I understand."]


@pytest.mark.corpus(one_of=3)
@A_TABLE
@pytest.mark.parametrize(("persona", "words"), each(INTERRUPTING))
async def test_whoever_wants_the_floor_gets_it_within_400_ms(
    scene: Scene, persona: str, words: str
) -> None:
    caller = Caller(persona, words)
    call = await scene.ring(persona, caller)
    record = await scene.over(call)
    assert caller.stopped - caller.ended < 0.4
    assert not any(found.whole for found in heard(call, STORY))
    assert words in said_by_the_caller(record)[-1]


@pytest.mark.memory
async def test_a_persona_may_be_interrupted_by_all_that_is_said(scene: Scene) -> None:
    caller = Caller("curt", "Okay.")
    call = await scene.ring("curt", caller)
    await scene.over(call)
    assert not any(found.whole for found in heard(call, STORY))


async def test_a_listener_hears_the_story_to_its_end(scene: Scene) -> None:
    call = await scene.ring("desk", Caller("desk", "Okay.", "I see."))
    record = await scene.over(call)
    heard_once(call, STORY)
    assert said_by_the_caller(record) == ["Tell me a long story.", "Okay.", "I see."]


@pytest.mark.memory
async def test_an_answer_into_the_end_of_a_question_is_answered_after_it(scene: Scene) -> None:
    async def cannot_wait(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("What is free on Tuesday?")
        await line.sound()
        await line.wait(8.4)
        await line.say("Yes.")
        await line.heard("it is yours now")
        await line.hang_up()

    call = await scene.ring("desk", cannot_wait)
    await scene.over(call)
    assert heard_once(call, "It is yours now.").start > heard_once(call, OFFER).end


async def test_an_answer_to_a_question_is_answered(scene: Scene) -> None:
    async def answers(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("What is free on Tuesday?")
        await line.heard("in the afternoon")
        await line.say("Yes.")
        await line.heard("it is yours now")
        await line.hang_up()

    call = await scene.ring("desk", answers)
    await scene.over(call)
    heard_once(call, OFFER)
    heard_once(call, "It is yours now.")


@pytest.mark.memory
async def test_agreement_before_the_question_is_no_answer_to_it(scene: Scene) -> None:
    async def agrees(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("What is free on Tuesday?")
        await line.sound()
        await line.wait(2.0)
        await line.say("Yes.")
        await line.heard("in the afternoon")
        await line.silence_for(3.0)
        await line.say("Yes.")
        await line.heard("it is yours now")
        await line.hang_up()

    call = await scene.ring("desk", agrees)
    await scene.over(call)
    heard_once(call, OFFER)
    heard_once(call, "It is yours now.")


async def test_a_backchannel_into_the_greeting_is_not_answered_after_it(scene: Scene) -> None:
    async def hums(line: Line) -> None:
        await line.sound()
        await line.say("Okay.")
        await line.silence_for(3.0)
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("desk", hums)
    await scene.over(call)
    heard_once(call, "This is the desk. What can I do for you?")
    heard_once(call, MONDAY)
    assert len(call.heard) == 3


@pytest.mark.memory
@pytest.mark.parametrize("persona", ["custom", "enters"])
async def test_an_agent_of_livekits_own_kind_speaks_on_too(scene: Scene, persona: str) -> None:
    call = await scene.ring(persona, Caller(persona, "Okay."))
    await scene.over(call)
    heard_once(call, STORY)


@pytest.mark.memory
async def test_patience_with_a_tool_is_not_answered(scene: Scene) -> None:
    async def waits(line: Line) -> None:
        await line.heard("good day from the workshop")
        await line.say("Please take your time.")
        await line.heard("one moment please")
        await line.say("Okay.")
        await line.heard("here it is", limit=40)
        await line.silence_for(3.0)
        await line.hang_up()

    call = await scene.ring("troubled", waits)
    record = await scene.over(call, 60)
    said = [each.text for each in call.heard]
    assert set(said) == {"Good day from the workshop.", "One moment please.", "Here it is."}
    assert said.count("Here it is.") == 1
    assert said_by_the_caller(record) == ["Please take your time.", "Okay."]
