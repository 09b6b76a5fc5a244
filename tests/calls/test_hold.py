"""Calls on hold: the persona waits in silence, and answers whoever speaks to it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scene import events, kill_its_process

from host.local.phone import Line, PersonScript, PhoneCall, Telephone
from host.local.sound import RATE, Samples
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.settings import Words
from host.testing import Scene, heard, heard_once, not_heard

WORDS = Words()
GREETING = "Here is the waiting one."
QUEUE = "Your call has been placed on hold. Please stay on the line."
LONG = 8.0
"""Seconds on hold: without one, the silent would have been asked twice, and told goodbye."""


def music(seconds: float) -> Samples:
    """Chords that follow each other, as quiet as music on hold is."""
    chords = ((262, 330, 392), (294, 349, 440), (247, 294, 392), (220, 262, 330))
    at = np.arange(round(0.7 * RATE)) / RATE
    played = [sum(np.sin(2 * np.pi * pitch * at) for pitch in chord) for chord in chords]
    return np.resize(np.concatenate(played) * 1200, round(seconds * RATE)).astype(np.int16)


def said(record: CallRecord) -> list[str]:
    """What the persona said, in order."""
    return [line.text for line in record.transcript if line.who == "persona"]


def asks_nobody(call: PhoneCall) -> None:
    """Assert that the persona has asked nobody whether they are there, or to say it again."""
    for words in (WORDS.silent, WORDS.still_silent, WORDS.not_heard, WORDS.filler):
        not_heard(call, words)


async def comes_back(line: Line) -> None:
    """Speak to the persona after a hold, and hang up on its answer."""
    await line.say("Hello, this is the billing desk.")
    await line.heard("good morning billing desk", 8)
    await line.hang_up()


@pytest.mark.sample("music")
@pytest.mark.parametrize("sound", ["nothing", "music"])
async def test_a_hold_behind_a_menu_is_waited_for(scene: Scene, sound: str) -> None:
    async def office(line: Line) -> None:
        await line.heard("here is the waiting one")
        await line.say("Please press two for the office.")
        await line.keyed("25#")
        await line.say("Please hold.")
        await line.wait(1.0)  # the local recogniser ends an utterance in silence alone
        await (line.wait(LONG) if sound == "nothing" else line.play(music(LONG)))
        await comes_back(line)

    _, call, record = await scene.place_to(Telephone(script=office), "waits")
    asks_nobody(call)
    assert said(record) == [GREETING, "Good morning, billing desk."]
    assert record.outcome is Outcome.COMPLETED
    holds = [fact for event, fact in events(scene, call.room) if event == "hold"]
    assert holds == ["begins", "ends"]


@pytest.mark.memory
@pytest.mark.parametrize(
    ("announcement", "seconds"),
    [
        pytest.param(QUEUE, 2.0, id="English"),
        pytest.param("Alle Mitarbeiter sind im Gespräch.", 2.0, id="German"),
    ],
)
async def test_an_announcement_that_comes_again_and_again_is_never_answered(
    scene: Scene, announcement: str, seconds: float
) -> None:
    async def held(line: Line) -> None:
        await line.heard("here is the waiting one")
        for _ in range(3):
            await line.say(announcement)
            await line.wait(seconds)
        await comes_back(line)

    call = await scene.ring("waits", held)
    record = await scene.over(call)
    asks_nobody(call)
    assert said(record) == [GREETING, "Good morning, billing desk."]
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.memory
async def test_what_a_queue_plays_between_its_announcements_is_answered_once(scene: Scene) -> None:
    advice = "You can also find the answer on our web page at any time."

    async def held(line: Line) -> None:
        await line.heard("here is the waiting one")
        for _ in range(3):
            await line.say("Please stay on the line.")
            await line.wait(1.5)
            await line.say(advice)
            await line.wait(2.5)
        await comes_back(line)

    call = await scene.ring("waits", held)
    record = await scene.over(call)
    sorry = "Sorry, could you say that again?"
    assert said(record) == [GREETING, sorry, "Good morning, billing desk."]


async def waits_for_ever(line: Line) -> None:
    await line.heard("here is the waiting one")
    await line.say(QUEUE)
    await line.stay()


async def talks_and_holds(line: Line) -> None:
    await line.heard("here is the waiting one")
    await line.say("What day is it?")
    await line.heard("today is monday")
    await line.say("One moment please.")
    await line.stay()


@pytest.mark.memory
@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        pytest.param(waits_for_ever, Outcome.NO_ANSWER, id="nobody was reached"),
        pytest.param(talks_and_holds, Outcome.COMPLETED, id="a person was reached"),
    ],
)
async def test_a_hold_without_end_ends_with_a_goodbye(
    scene: Scene, script: PersonScript, outcome: Outcome
) -> None:
    placed, call, record = await scene.place_to(Telephone(script=script), "waits")
    asks_nobody(call)
    heard_once(call, WORDS.hold_goodbye)
    assert (placed.outcome, record.outcome, record.ended_by) == (outcome, outcome, "host")
    assert record.reason == "the callee kept the call on hold for 24 s"
    assert 24 < record.duration < 38


@pytest.mark.memory
async def test_who_comes_back_during_the_goodbye_is_answered(scene: Scene) -> None:
    async def comes_late(line: Line) -> None:
        await line.heard("here is the waiting one")
        await line.say("One moment please.")
        await line.sound(40)
        await line.say("Sorry, here I am again. What day is it?")
        await line.heard("today is monday", 5)
        await line.hang_up()

    call = await scene.ring("waits", comes_late)
    record = await scene.over(call)
    assert said(record)[-1] == "Today is Monday."
    assert (record.outcome, record.reason) == (Outcome.COMPLETED, "the caller hung up")


@pytest.mark.memory
@pytest.mark.both_generations
async def test_a_queue_that_hangs_up_is_no_answer(scene: Scene) -> None:
    async def closes(line: Line) -> None:
        await line.heard("here is the waiting one")
        await line.say(QUEUE)
        await line.wait(3.0)
        await line.hang_up()

    placed, _, record = await scene.place_to(Telephone(script=closes), "waits")
    assert (placed.outcome, record.ended_by) == (Outcome.NO_ANSWER, "far end")
    assert record.reason == (
        "the callee hung up while the call was on hold; "
        "a recording answered, and nobody came on the line"
    )


@pytest.mark.memory
async def test_a_menu_that_hangs_up_is_no_answer(scene: Scene) -> None:
    async def menu(line: Line) -> None:
        await line.heard("here is the waiting one")
        await line.say("Please press two for the office.")
        await line.keyed("25#")
        await line.say("Please press three for the house.")
        await line.wait(1.0)
        await line.hang_up()

    placed, _, record = await scene.place_to(Telephone(script=menu), "waits")
    assert (placed.outcome, record.ended_by) == (Outcome.NO_ANSWER, "far end")
    assert record.reason == (
        "the callee hung up; a recording answered, and nobody came on the line"
    )


@pytest.mark.memory
async def test_a_menu_that_hangs_up_before_the_persona_speaks_is_no_answer_either(
    scene: Scene,
) -> None:
    async def menu(line: Line) -> None:
        await line.say("Please press two for the office.")
        await line.wait(0.5)
        await line.hang_up()

    placed, _, record = await scene.place_to(Telephone(script=menu), "leaves", name="Ann")
    assert record.first_word_at is None
    assert (placed.outcome, record.ended_by) == (Outcome.NO_ANSWER, "far end")


@pytest.mark.memory
async def test_a_callee_who_never_says_a_word_is_no_answer(scene: Scene) -> None:
    placed, call, record = await scene.place_to(Telephone(script=Line.stay), "waits")
    heard_once(call, WORDS.silent_goodbye)
    assert (placed.outcome, record.ended_by) == (Outcome.NO_ANSWER, "host")
    assert record.reason == "the callee stayed silent"


@pytest.mark.memory
async def test_the_end_of_the_time_comes_on_hold_without_its_warning(scene: Scene) -> None:
    async def held(line: Line) -> None:
        await line.sound()
        await line.silence_for(1.0)
        await line.say("One moment please.")
        await line.stay()

    call = await scene.ring("warned", held)
    record = await scene.over(call)
    not_heard(call, WORDS.time_nearly_up)
    heard_once(call, WORDS.time_up)
    assert record.reason == "the call reached its maximum duration of 14 s"


@pytest.mark.sample("One moment")
@pytest.mark.parametrize(
    "pause",
    [
        "One moment please.",
        "Hold on, I'll get my card.",
        "Can you hold on a second?",
        "Einen Moment bitte.",
        "Un momento, por favor.",
    ],
)
@pytest.mark.table(quick=3)
async def test_a_person_who_needs_a_moment_gets_it_and_is_answered_after_it(
    scene: Scene, pause: str
) -> None:
    async def busy(line: Line) -> None:
        await line.heard("here is the waiting one")
        await line.say(pause)
        await line.wait(LONG)
        await line.say("What day is it?")
        await line.heard("today is monday", 3)
        await line.hang_up()

    call = await scene.ring("waits", busy)
    record = await scene.over(call)
    asks_nobody(call)
    assert said(record) == [GREETING, "Today is Monday."]


@pytest.mark.sample("Hold on")
@pytest.mark.parametrize(
    "words",
    [
        "Hold on, I don't want that. What day is it?",
        "Can you wait until Monday, and what day is it?",
        "I was on hold for an hour! What day is it?",
        "Moment, das will ich nicht. What day is it?",
    ],
)
async def test_a_person_who_only_sounds_like_a_hold_is_answered(scene: Scene, words: str) -> None:
    async def talks(line: Line) -> None:
        await line.heard("here is the waiting one")
        await line.say(words)
        await line.heard("today is monday", 3)
        await line.hang_up()

    call = await scene.ring("waits", talks)
    record = await scene.over(call)
    assert said(record)[-1] == "Today is Monday."


@pytest.mark.memory
async def test_a_queue_that_answers_is_waited_for_and_the_person_after_it_is_greeted(
    scene: Scene,
) -> None:
    async def queue(line: Line) -> None:
        await line.say("All of our agents are busy. Please stay on the line.")
        await line.wait(LONG)
        await line.say("Billing desk, good morning.")
        await line.heard("here is the waiting one", 4)
        await line.hang_up()

    placed, call, record = await scene.place_to(Telephone(script=queue), "waits", detects=True)
    heard_once(call, GREETING)
    not_heard(call, WORDS.anybody)
    asks_nobody(call)
    assert placed.outcome is Outcome.COMPLETED
    assert record.voicemail == "machine-ivr"


@pytest.mark.memory
@pytest.mark.parametrize(
    "words",
    [
        "One moment please.",
        "All of our agents are busy. Your call is important to us, and it will be answered in the "
        "order in which it was received. Thank you for your patience. Please stay on the line.",
    ],
)
async def test_who_asks_for_a_moment_when_asked_is_no_machine(scene: Scene, words: str) -> None:
    async def slow(line: Line) -> None:
        await line.say("You have reached Molar Dental.")
        await line.heard("is somebody there")
        await line.say(words)
        await line.wait(LONG)
        await line.say("Billing desk, good morning.")
        await line.heard("here is the waiting one", 4)
        await line.hang_up()

    placed, call, _ = await scene.place_to(Telephone(script=slow), "waits", detects=True)
    heard_once(call, WORDS.anybody)
    heard_once(call, GREETING)
    assert placed.outcome is Outcome.COMPLETED


@pytest.mark.memory
async def test_a_queue_that_answers_and_never_ends_is_no_answer(scene: Scene) -> None:
    async def queue(line: Line) -> None:
        await line.say("All of our agents are busy. Please stay on the line.")
        await line.stay()

    placed, call, record = await scene.place_to(Telephone(script=queue), "waits", detects=True)
    heard_once(call, WORDS.hold_goodbye)
    not_heard(call, GREETING)
    assert (placed.outcome, record.ended_by) == (Outcome.NO_ANSWER, "host")


@pytest.mark.memory
async def test_the_model_can_say_that_the_call_is_on_hold(scene: Scene) -> None:
    async def office(line: Line) -> None:
        await line.heard("here is the waiting one")
        await line.say("You know that all lines are taken here.")
        await line.wait(LONG)
        await comes_back(line)

    _, call, record = await scene.place_to(Telephone(script=office), "waits")
    asks_nobody(call)
    assert [tool.name for tool in record.tools] == ["wait_on_hold"]
    assert said(record) == [GREETING, "Good morning, billing desk."]


@pytest.mark.memory
async def test_a_key_ends_a_hold(scene: Scene) -> None:
    async def presses(line: Line) -> None:
        await line.heard("here is the waiting one")
        await line.say("One moment please.")
        await line.wait(LONG)
        await line.press("5")
        await line.heard("are you still there")
        await line.hang_up()

    call = await scene.ring("waits", presses)
    await scene.over(call)
    assert heard_once(call, WORDS.silent).start > LONG


@pytest.mark.memory
async def test_a_takeover_keeps_the_hold(scene: Scene) -> None:
    async def held(line: Line) -> None:
        await line.heard("here is the waiting one")
        await line.say(QUEUE)
        await line.wait(1.0)
        kill_its_process(scene, line.call.room)
        await line.wait(LONG)
        await comes_back(line)

    call = await scene.ring("waits", held)
    record = await scene.over(call)
    asks_nobody(call)
    not_heard(call, WORDS.taken_over)
    assert record.taken_over == 1
    assert said(record) == [GREETING, "Good morning, billing desk."]


@pytest.mark.memory
async def test_an_agent_of_an_authors_own_keeps_silent_too(scene: Scene) -> None:
    async def held(line: Line) -> None:
        await line.heard("the custom agent greets you")
        for _ in range(3):
            await line.say(QUEUE)
            await line.wait(2.0)
        await line.say("What day is it?")
        await line.heard("today is monday", 3)
        await line.hang_up()

    call = await scene.ring("custom", held)
    record = await scene.over(call)
    assert said(record) == ["The custom agent greets you.", "Today is Monday."]


@pytest.mark.memory
async def test_sound_without_words_is_waited_out_on_hold(scene: Scene) -> None:
    """Music with a voice in it, for one: a VAD takes it for speech, and an STT for nothing."""

    async def held(line: Line) -> None:
        await line.heard("here is the waiting one")
        await line.say(QUEUE)
        scene.world.deepgram.hang = True
        await line.say("La la la, la la la la, and la la la la la, la la la la.")
        scene.world.deepgram.hang = False
        await line.wait(LONG)
        await comes_back(line)

    call = await scene.ring("waits", held)
    record = await scene.over(call)
    asks_nobody(call)
    assert said(record) == [GREETING, "Good morning, billing desk."]
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.sample("held")
@pytest.mark.parametrize(
    ("held", "asked"),
    [pytest.param(True, 0, id="held"), pytest.param(False, 1, id="silent")],
)
async def test_a_hold_of_the_telephone_itself_is_waited_for_and_a_silence_is_not(
    scene: Scene, held: bool, asked: int
) -> None:
    async def pauses(line: Line) -> None:
        await line.heard("what can I do for you")
        if held:
            line.hold("inactive")
        await line.wait(14.0)
        line.resume()
        await line.wait(2.0)
        await line.say("What day is it?")
        await line.heard("today is monday", 4)
        await line.hang_up()

    call = await scene.ring("desk", pauses)
    record = await scene.over(call)
    assert len(heard(call, WORDS.silent)) == said(record).count(WORDS.silent) == asked
    assert said(record)[-1] == "Today is Monday."
    holds = [fact for event, fact in events(scene, call.room) if event == "hold"]
    assert holds == (["begins", "ends"] if held else [])


@pytest.mark.memory
async def test_a_telephone_that_resumes_is_asked_again_whether_somebody_is_there(
    scene: Scene,
) -> None:
    async def comes_and_stays_silent(line: Line) -> None:
        await line.heard("here is the waiting one")
        line.hold("inactive")
        await line.wait(LONG)
        line.resume()
        await line.heard("are you still there", 6)
        await line.hang_up()

    call = await scene.ring("waits", comes_and_stays_silent)
    await scene.over(call)


@pytest.mark.sample("outbound")
@pytest.mark.parametrize("outbound", [True, False], ids=["outbound", "inbound"])
async def test_a_call_that_ends_by_its_media_timeout_says_so(scene: Scene, outbound: bool) -> None:
    async def loses_its_network(line: Line) -> None:
        await line.heard("here is the waiting one")
        await line.say("What day is it?")
        await line.heard("today is monday")
        line.lose_network()
        await line.stay()

    if outbound:
        _, call, record = await scene.place_to(Telephone(script=loses_its_network), "waits")
    else:
        call = await scene.ring("waits", loses_its_network)
        record = await scene.over(call)
    who = "callee" if outbound else "caller"
    told = f"no audio arrived from the {who} for 1[56] s: LiveKit SIP's media_timeout"
    assert re.fullmatch(told, record.reason)  # it is seen once a second
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "livekit")


@pytest.mark.memory
async def test_a_callee_held_by_its_telephone_before_it_spoke_is_no_answer(scene: Scene) -> None:
    async def holds(line: Line) -> None:
        await line.heard("here is the waiting one")
        line.hold("inactive")
        await line.stay()

    placed, _, record = await scene.place_to(Telephone(script=holds), "waits")
    assert (placed.outcome, record.ended_by) == (Outcome.NO_ANSWER, "livekit")


async def test_a_hang_up_during_a_hold_of_the_telephone_is_not_taken_for_a_timeout(
    scene: Scene,
) -> None:
    async def gives_up(line: Line) -> None:
        await line.heard("here is the waiting one")
        line.hold("inactive")
        await line.wait(7.0)
        await line.hang_up()

    call = await scene.ring("waits", gives_up)
    record = await scene.over(call)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")
    assert record.reason.startswith("the caller hung up, or LiveKit SIP did, after ")


@pytest.mark.memory
async def test_music_without_an_announcement_is_waited_for(scene: Scene) -> None:
    async def plays_music(line: Line) -> None:
        await line.heard("what can I do for you")
        line.hold("sendonly")
        await line.play(music(30.0))
        line.resume()
        await line.say("What day is it?")
        await line.heard("today is monday", 3)
        await line.hang_up()

    call = await scene.ring("desk", plays_music)
    record = await scene.over(call)
    assert said(record) == ["This is the desk. What can I do for you?", "Today is Monday."]
    holds = [fact for event, fact in events(scene, call.room) if event == "hold"]
    assert holds == ["begins", "ends"]


@pytest.mark.memory
async def test_whoever_says_nothing_after_the_music_is_asked_whether_they_are_there(
    scene: Scene,
) -> None:
    async def plays_music(line: Line) -> None:
        await line.heard("what can I do for you")
        line.hold("sendonly")
        await line.play(music(14.0))
        line.resume()
        await line.heard("are you still there", 24)
        await line.hang_up()

    call = await scene.ring("desk", plays_music)
    await scene.over(call)
    assert heard_once(call, WORDS.silent).start > 14


@pytest.mark.whole("memory has no realtime model")
async def test_a_realtime_model_keeps_silent_on_hold(scene: Scene) -> None:
    async def held(line: Line) -> None:
        await line.heard("I hear and speak by myself")
        for _ in range(2):
            await line.say(QUEUE)
            await line.wait(3.0)
        await line.say("Who is it?")
        await line.heard("only a test", 6)
        await line.hang_up()

    call = await scene.ring("realtime", held)
    record = await scene.over(call)
    assert said(record) == ["I hear and speak by myself.", "It is only a test."]
