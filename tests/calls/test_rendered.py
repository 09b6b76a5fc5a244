"""Speech that is rendered before it is due: heard sooner, and otherwise as any other."""

from __future__ import annotations

import pytest
from in_memory.telephones import voices_heard
from in_memory.world import MemoryScene
from people import asks_into_the_greeting
from scene import events, kill_its_process
from test_first_words import FIRM

from host.local.phone import Busy, Line, Telephone, voicemail
from host.local.trouble import Trouble
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.settings import Words
from host.testing import Scene, heard, heard_once, not_heard

pytestmark = pytest.mark.memory

DESK = "This is the desk. What can I do for you?"
BY_NAME = "Good morning Ann, this is a test call."
WORDS = Words()


@pytest.fixture
def before(memory_scene: MemoryScene) -> Before:
    """What the TTS has said before a call."""
    return Before(memory_scene)


class Before:
    """Tells what the TTS was asked for since it was made, or since `now`."""

    def __init__(self, scene: MemoryScene) -> None:
        self.scene, self._known = scene, 0

    async def render(self, *personas: str) -> None:
        """Have on disk what these personas say in each of their calls."""
        await self.scene.render(*personas)
        self._known = len(self.scene.world.cartesia.spoken)

    @property
    def asked(self) -> list[str]:
        """What the TTS has said since then."""
        return [text.strip() for text in self.scene.world.cartesia.spoken[self._known :]]


async def listens(line: Line) -> None:
    await line.sound()
    await line.silence_for(1.0)
    await line.hang_up()


def said_by_the_persona(record: CallRecord) -> list[str]:
    return [line.text for line in record.transcript if line.who == "persona"]


async def test_a_greeting_that_is_always_the_same_needs_no_tts(
    scene: Scene, before: Before
) -> None:
    scene.world.cartesia.delay = 1.0
    call = await scene.ring("desk", listens)
    await scene.over(call)
    assert heard_once(call, DESK).start > 0.5
    await before.render("desk")
    call = await scene.ring("desk", listens)
    record = await scene.over(call)
    assert before.asked == []
    assert heard_once(call, DESK).start < 0.1
    assert said_by_the_persona(record) == [DESK]
    assert "tts" not in {usage.kind for usage in record.usage}
    assert [fact for event, fact in events(scene, call.room) if event == "greeted"] == ["first"]


async def test_a_tts_that_is_down_does_not_silence_a_rendered_greeting(
    scene: Scene, before: Before
) -> None:
    async def asks(line: Line) -> None:
        await line.heard("what can i do for you")
        await line.hang_up()

    await before.render("desk")
    scene.world.cartesia.troubles.set("sonic-3", Trouble.BROKEN)
    try:
        call = await scene.ring("desk", asks)
        record = await scene.over(call)
    finally:
        scene.world.cartesia.troubles.mend("sonic-3")
    heard_once(call, DESK)
    assert record.outcome is Outcome.COMPLETED


async def test_a_rendered_greeting_gives_way_and_the_record_has_what_was_heard(
    scene: Scene, before: Before
) -> None:
    async def interrupts(line: Line) -> None:
        await line.sound()
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    await before.render("desk")
    call = await scene.ring("desk", interrupts)
    record = await scene.over(call)
    not_heard(call, "What can I do for you?")
    heard_once(call, "Today is Monday.")
    first = said_by_the_persona(record)[0]
    assert first
    assert "This is the desk.".startswith(first)
    assert before.asked == ["Today is Monday."]


async def test_words_into_a_rendered_greeting_that_is_firm_are_answered_after_it(
    scene: Scene, before: Before
) -> None:
    await before.render("firm")
    call = await scene.ring("firm", asks_into_the_greeting)
    await scene.over(call)
    assert heard_once(call, "Today is Monday.").start > heard_once(call, FIRM).end
    assert before.asked == ["Today is Monday."]


async def test_a_disclosure_comes_before_the_greeting_and_both_are_rendered(
    scene: Scene, before: Before
) -> None:
    await before.render("candid")
    call = await scene.ring("candid", listens)
    record = await scene.over(call)
    said = ["You are talking to a machine.", "Here is the candid one. How may I help you?"]
    assert said_by_the_persona(record) == said
    assert heard_once(call, said[0]).end <= heard_once(call, said[1]).start
    assert before.asked == []


async def test_the_hosts_own_sentences_are_rendered_too(scene: Scene, before: Before) -> None:
    async def stays(line: Line) -> None:
        await line.stay()

    await before.render("quiet")
    call = await scene.ring("quiet", stays)
    record = await scene.over(call)
    for words in (WORDS.silent, WORDS.still_silent, WORDS.silent_goodbye):
        heard_once(call, words)
    assert record.outcome is Outcome.COMPLETED
    assert before.asked == []


async def test_a_greeting_by_name_is_rendered_while_the_line_rings(
    scene: Scene, before: Before
) -> None:
    async def ann(line: Line) -> None:
        await line.say("Hello?")
        await line.heard("this is a test call")
        await line.hang_up()

    await before.render("leaves")
    telephone = Telephone(answer_after=2.0, script=ann)
    _, call, record = await scene.place_to(telephone, "leaves", name="Ann")
    heard_once(call, BY_NAME)
    assert before.asked == [BY_NAME]
    assert said_by_the_persona(record) == [BY_NAME]
    (spoken,) = (usage for usage in record.usage if usage.kind == "tts")
    assert spoken.amounts["characters_count"] == len(BY_NAME)
    assert not list((scene.folder / "state" / "sounds").glob("*Ann*"))


async def test_nothing_is_rendered_for_a_line_that_is_busy(scene: Scene, before: Before) -> None:
    placed, _, _ = await scene.place_to(Busy(), "leaves", name="Ann")
    assert placed.outcome is Outcome.BUSY
    assert before.asked == []


async def test_a_machine_that_answers_hears_its_message_and_no_greeting(
    scene: Scene, before: Before
) -> None:
    message = "This is the message of the test. Please call us back tomorrow."
    machine = voicemail("You have reached Ann. Please leave a message after the tone.")
    _, call, record = await scene.place_to(machine, "leaves", name="Ann")
    heard_once(call, message)
    not_heard(call, BY_NAME)
    assert record.outcome is Outcome.VOICEMAIL_LEFT
    assert said_by_the_persona(record) == [message]


async def test_an_agent_that_changes_what_is_said_is_left_to_say_it(
    scene: Scene, before: Before
) -> None:
    await before.render("spells")
    call = await scene.ring("spells", listens)
    await scene.over(call)
    heard_once(call, "This is Doctor Jones.")
    assert before.asked == ["This is Doctor Jones."]


async def test_each_persona_is_heard_in_its_own_voice(scene: Scene, before: Before) -> None:
    await before.render("desk", "accounts")
    call = await scene.ring("accounts", listens)
    await scene.over(call)
    heard_once(call, "Nobody ever hears this greeting.")
    assert voices_heard(call, "Nobody ever hears this greeting.") == {
        ("sonic-2", "the-voice-of-accounts", "de")
    }
    assert before.asked == []


async def test_a_call_that_is_taken_over_says_so_once_and_greets_no_more(
    scene: Scene, before: Before
) -> None:
    async def waits(line: Line) -> None:
        await line.heard("what can i do for you")
        await line.heard("please go on", 30)
        await line.silence_for(1.0)
        await line.hang_up()

    await before.render("desk")
    call = await scene.ring("desk", waits)
    await call.pulse.until(lambda: any(f.whole for f in heard(call, DESK)), 30, "the greeting")
    kill_its_process(scene, call.room)
    record = await scene.over(call)
    heard_once(call, DESK)
    heard_once(call, WORDS.taken_over)
    assert (record.taken_over, record.outcome) == (1, Outcome.COMPLETED)
    assert before.asked == []
