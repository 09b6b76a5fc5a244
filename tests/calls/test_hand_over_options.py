"""What `session_options` of a persona say holds while the persona has the call."""

from __future__ import annotations

import pytest
from ways import Rings

from host.local.phone import Line, PersonScript, PhoneCall
from host.testing import Scene, heard, heard_once


async def rung(scene: Scene, first: str, script: PersonScript, to: str = "steady") -> PhoneCall:
    """A call that is handed over after the greeting, and is over."""
    seen = await Rings(first, script, details={"forward_to": to}).make(scene)
    assert seen.call is not None
    await scene.over(seen.call, 90)
    return seen.call


def pauses_before(call: PhoneCall, answer: str) -> list[float]:
    """How long the caller waited for each answer to their last question."""
    asked = [said for said in call.said if "what day" in said.text.lower()]
    return [
        found.start - max(said.at for said in asked if said.at < found.start)
        for found in heard(call, answer)
        if found.whole
    ]


def told(call: PhoneCall) -> list[bool]:
    """For each time that the long story was told, whether it was heard to its end."""
    stories = [found.text for found in call.heard if "three daughters" in found.text]
    return [story.endswith("dared to ask them anything.") for story in stories]


@pytest.mark.memory
async def test_turns_are_detected_as_the_persona_that_has_the_call_wants(scene: Scene) -> None:
    async def asks_twice(line: Line) -> None:
        await line.heard("steady one is here")
        await line.say("What day is it?")
        await line.heard("today is")
        await line.press("1")
        await line.silence_for(2)
        await line.say("What day is it?")
        await line.heard("today is")
        await line.hang_up()

    call = await rung(scene, "desk", asks_twice)
    (steady,) = pauses_before(call, "Today is some Monday.")
    (other,) = pauses_before(call, "Today is Monday.")
    assert steady > other + 2, "it waits for 3 s, and LiveKit's default is less than one"


@pytest.mark.memory
async def test_who_can_be_interrupted_depends_on_the_persona_that_has_the_call(
    scene: Scene,
) -> None:
    async def interrupts_both(line: Line) -> None:
        await line.heard("steady one is here")
        for _ in range(2):
            await line.say("Tell me a long story.")
            await line.sound()
            await line.wait(4)
            await line.say("No, wait.")
            await line.silence_for(5)
            await line.press("2")
            await line.silence_for(2)
        await line.hang_up()

    call = await rung(scene, "curt", interrupts_both)
    assert told(call) == [True, False]


@pytest.mark.memory
@pytest.mark.parametrize(
    ("first", "then", "whole"), [("curt", "desk", True), ("desk", "curt", False)]
)
async def test_backchannels_are_ignored_if_the_persona_that_has_the_call_ignores_them(
    scene: Scene, first: str, then: str, whole: bool
) -> None:
    async def agrees(line: Line) -> None:
        await line.heard("steady one is here")
        await line.press("1" if then == "curt" else "2")
        await line.silence_for(2)
        await line.say("Tell me a long story.")
        await line.sound()
        await line.wait(4)
        await line.say("Okay.")
        await line.silence_for(5)
        await line.hang_up()

    call = await rung(scene, first, agrees)
    assert told(call) == [whole]


@pytest.mark.memory
async def test_an_option_that_has_no_effect_later_is_named_in_the_log(scene: Scene) -> None:
    async def listens(line: Line) -> None:
        await line.heard("steady one is here")
        await line.hang_up()

    call = await rung(scene, "desk", listens)
    heard_once(call, "The steady one is here.")
    said = "session_options: ivr_detection has no effect in steady after a handover"
    assert scene.log().count(said) == 1
