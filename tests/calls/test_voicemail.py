"""Who picked up: people, machines and call screeners, judged by what they were told."""

import numpy as np
import pytest
from machines import GREETING, MAILBOX, MESSAGE, QUESTION, beep_ends, says
from scene import length_of, on_its_way

from host.local.phone import Line, Telephone, voicemail
from host.local.sound import silence, tone
from host.records.outcome import Outcome
from host.testing import Scene, heard, heard_once, not_heard

SCREENER = "Please say your name and why you are calling."
POLITE = "This is Molar Dental about the visit of tomorrow."


@pytest.mark.sample("0.5")
@pytest.mark.promise("A voicemail message is left once, and whole, after the beep", only="0.5")
@pytest.mark.parametrize("pause", [0.5, 2.5])
async def test_a_message_is_left_after_the_beep(scene: Scene, pause: float) -> None:
    placed, call, record = await scene.place_to(
        Telephone(script=voicemail(MAILBOX, pause=pause)), "leaves", name="Ann"
    )
    message = heard_once(call, MESSAGE)
    not_heard(call, GREETING)
    assert message.start > beep_ends(call.recording[:, 0])
    assert length_of(call) > message.end + on_its_way(scene)
    assert (placed.outcome, record.outcome) == (Outcome.VOICEMAIL_LEFT, Outcome.VOICEMAIL_LEFT)
    assert record.voicemail == "machine-vm"
    assert "reached the voicemail" in (record.voicemail_reason or "")


async def test_a_machine_without_a_beep_gets_its_message_when_it_is_silent(scene: Scene) -> None:
    placed, call, _ = await scene.place_to(Telephone(script=says(MAILBOX)), "leaves", name="Ann")
    heard_once(call, MESSAGE)
    assert placed.outcome is Outcome.VOICEMAIL_LEFT


async def test_a_greeting_in_parts_is_heard_to_its_beep(scene: Scene) -> None:
    parts = says(
        "You have reached the voicemail of Ann.",
        2.0,
        "She is on holiday until Monday.",
        2.0,
        "Please leave a message after the tone.",
        1.0,
        beep=True,
    )
    _, call, record = await scene.place_to(Telephone(script=parts), "leaves", name="Ann")
    message = heard_once(call, MESSAGE)
    assert message.start > beep_ends(call.recording[:, 0])
    assert record.outcome is Outcome.VOICEMAIL_LEFT


@pytest.mark.memory
async def test_beeps_in_a_row_are_waited_for(scene: Scene) -> None:
    async def machine(line: Line) -> None:
        await line.say(MAILBOX)
        await line.play(np.concatenate([tone(1000, 0.2), silence(0.2)] * 3))
        await line.stay()

    _, call, _ = await scene.place_to(Telephone(script=machine), "leaves", name="Ann")
    assert heard_once(call, MESSAGE).start > beep_ends(call.recording[:, 0])


@pytest.mark.memory
async def test_a_policy_may_speak_into_the_first_pause(scene: Scene) -> None:
    parts = says(MAILBOX, 6.0, beep=True)
    _, call, record = await scene.place_to(Telephone(script=parts), "hasty", wait_for="silence")
    message = heard_once(call, "This is the hasty message. Goodbye for now.")
    said = record.transcript[0].at
    assert (record.ended_at - said).total_seconds() - (message.end - message.start) < 4
    assert record.outcome is Outcome.VOICEMAIL_LEFT


@pytest.mark.memory
async def test_a_machine_that_speaks_into_the_message_does_not_break_it_off(scene: Scene) -> None:
    async def machine(line: Line) -> None:
        await line.say(MAILBOX)
        await line.beep()
        await line.heard("this is the message", 20)
        await line.say("Please speak up, we can hardly hear you.")
        await line.stay()

    _, call, record = await scene.place_to(Telephone(script=machine), "leaves", name="Ann")
    heard_once(call, MESSAGE)
    assert record.outcome is Outcome.VOICEMAIL_LEFT


@pytest.mark.memory
async def test_whoever_picks_up_finishes_a_sentence_before_the_greeting(scene: Scene) -> None:
    async def ann(line: Line) -> None:
        await line.wait(2.0)
        for _ in range(4):  # the last one when nobody is listened to any longer
            await line.say("I was in the garden all morning with the children and the dog.")
            await line.wait(1.0)
        await line.heard("this is a test call")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=ann), "leaves", name="Ann")
    greeting = heard_once(call, GREETING)
    assert 20 < greeting.start < 24
    said = call.recording[:, 0]
    assert not said[round(greeting.start * 8000) : round(greeting.end * 8000)].any()
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.memory
async def test_no_machine_is_waited_for_longer_than_the_policy_says(scene: Scene) -> None:
    async def talks_on(line: Line) -> None:
        await line.say(MAILBOX)
        for _ in range(12):
            await line.say("There is more to say about my holiday on the boat.")
        await line.stay()

    _, call, record = await scene.place_to(Telephone(script=talks_on), "hasty", wait_for="beep")
    heard_once(call, "This is the hasty message. Goodbye for now.")
    assert record.outcome is Outcome.VOICEMAIL_LEFT
    assert record.duration < 30


@pytest.mark.sample("full")
@pytest.mark.parametrize(
    "opening",
    [
        pytest.param("The mailbox is full. You can not leave a message.", id="full"),
        pytest.param("This voice mailbox has not been set up yet. Goodbye.", id="not set up"),
    ],
)
async def test_a_mailbox_that_takes_nothing_gets_no_message(scene: Scene, opening: str) -> None:
    placed, call, record = await scene.place_to(
        Telephone(script=says(opening)), "leaves", name="Ann"
    )
    not_heard(call, MESSAGE)
    assert placed.outcome is Outcome.VOICEMAIL_SKIPPED
    assert record.voicemail == "machine-unavailable"
    assert record.reason == "voicemail answered but takes no messages"


@pytest.mark.memory
async def test_a_mailbox_that_turns_out_to_be_full_gets_no_message(scene: Scene) -> None:
    parts = says("You have reached the voicemail of Ann.", 1.5, "The mailbox is full. Goodbye.")
    _, call, record = await scene.place_to(Telephone(script=parts), "leaves", name="Ann")
    not_heard(call, MESSAGE)
    assert record.outcome is Outcome.VOICEMAIL_SKIPPED


@pytest.mark.memory
async def test_a_machine_that_hangs_up_first_is_no_conversation(scene: Scene) -> None:
    parts = says(MAILBOX, 1.0, stays=False)
    _, call, record = await scene.place_to(Telephone(script=parts), "leaves", name="Ann")
    assert record.outcome is Outcome.VOICEMAIL_SKIPPED
    assert record.reason == "voicemail hung up before the message was left"
    assert record.ended_by == "far end"


@pytest.mark.memory
async def test_a_persona_that_hangs_up_on_machines_says_nothing_to_them(scene: Scene) -> None:
    placed, call, _ = await scene.place_to(Telephone(script=voicemail(MAILBOX)), "skips")
    not_heard(call, "Good evening, this is the skipper.")
    assert placed.outcome is Outcome.VOICEMAIL_SKIPPED
    assert call.ended_by == "far end"


@pytest.mark.memory
async def test_a_persona_that_talks_to_machines_greets_them_at_once(scene: Scene) -> None:
    machine = Telephone(script=voicemail(MAILBOX, records=3))
    _, call, record = await scene.place_to(machine, "talks")
    assert heard_once(call, "I talk to everybody who picks up.").start < 1.5
    assert record.voicemail is None


async def test_somebody_who_picks_up_and_says_nothing_is_greeted_all_the_same(
    scene: Scene,
) -> None:
    async def silent(line: Line) -> None:
        await line.heard("this is a test call")
        await line.hang_up()

    placed, call, record = await scene.place_to(Telephone(script=silent), "leaves", name="Ann")
    assert heard_once(call, GREETING).start < 6
    assert (placed.outcome, record.voicemail) == (Outcome.NO_ANSWER, "uncertain")
    assert placed.reason == "the callee hung up; the callee never spoke"


async def test_somebody_who_picks_up_while_the_machine_talks_is_greeted(scene: Scene) -> None:
    async def late(line: Line) -> None:
        await line.say("You have reached the voicemail of Ann.")
        await line.wait(1.5)
        await line.say("Hello, who is there?")
        await line.heard("this is a test call")
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=late), "leaves", name="Ann")
    heard_once(call, GREETING)
    not_heard(call, MESSAGE)
    assert (record.outcome, record.voicemail) == (Outcome.COMPLETED, "human")


# People whom the model takes for machines, and machines that it takes for people


@pytest.mark.memory
async def test_a_person_whom_the_model_calls_a_machine_is_asked_and_greeted(scene: Scene) -> None:
    async def bob(line: Line) -> None:
        await line.say("This is the house of Baker.")
        await line.heard("is somebody there")
        await line.say("Yes, I am here.")
        await line.heard("this is a test call")
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=bob), "leaves", name="Ann")
    heard_once(call, QUESTION)
    heard_once(call, GREETING)
    not_heard(call, MESSAGE)
    assert (record.outcome, record.voicemail) == (Outcome.COMPLETED, "human")


@pytest.mark.memory
async def test_a_person_whom_the_model_calls_a_machine_is_not_hung_up_on(scene: Scene) -> None:
    async def bob(line: Line) -> None:
        await line.say("This is the house of Baker.")
        await line.heard("is somebody there")
        await line.say("Who is calling please?")
        await line.heard("this is the skipper")
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=bob), "skips")
    heard_once(call, "Good evening, this is the skipper.")
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.memory
async def test_a_receptionist_who_offers_to_take_a_message_is_a_person(scene: Scene) -> None:
    async def kate(line: Line) -> None:
        await line.say("The manager is not available. May I take a message?")
        await line.heard("this is a test call")
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=kate), "leaves", name="Ann")
    heard_once(call, GREETING)
    not_heard(call, QUESTION)
    assert record.voicemail == "human"


@pytest.mark.memory
async def test_a_machine_that_only_sounds_like_one_is_asked_and_gets_its_message(
    scene: Scene,
) -> None:
    parts = says("This is the house of Baker.", 9.0, beep=True)
    _, call, record = await scene.place_to(Telephone(script=parts), "leaves", name="Ann")
    heard_once(call, QUESTION)
    heard_once(call, MESSAGE)
    assert (record.outcome, record.voicemail) == (Outcome.VOICEMAIL_LEFT, "machine-vm")


async def test_a_machine_that_speaks_like_a_person_is_known_by_its_beep(scene: Scene) -> None:
    parts = says("Hello, this is Ann.", 0.3, beep=True)
    _, call, record = await scene.place_to(Telephone(script=parts), "leaves", name="Ann")
    message = heard_once(call, MESSAGE)
    not_heard(call, GREETING)
    assert message.start > beep_ends(call.recording[:, 0])
    assert record.voicemail_reason == "a beep after the greeting"


@pytest.mark.memory
async def test_a_machine_that_beeps_into_the_greeting_gets_its_message(scene: Scene) -> None:
    async def machine(line: Line) -> None:
        await line.say("Hello, this is Ann.")
        await line.sound()
        await line.wait(0.5)
        await line.beep()
        await line.stay()

    _, call, record = await scene.place_to(Telephone(script=machine), "leaves", name="Ann")
    message = heard_once(call, MESSAGE)
    assert message.start > beep_ends(call.recording[:, 0])
    assert record.outcome is Outcome.VOICEMAIL_LEFT


@pytest.mark.memory
async def test_a_machine_that_goes_on_after_a_pause_is_noticed_late(scene: Scene) -> None:
    parts = says(
        "Hello, this is Ann.", 3.0, "Please leave a message after the tone.", 1.0, beep=True
    )
    _, call, record = await scene.place_to(Telephone(script=parts), "leaves", name="Ann")
    message = heard_once(call, MESSAGE)
    assert message.start > beep_ends(call.recording[:, 0])
    assert (record.outcome, record.voicemail) == (Outcome.VOICEMAIL_LEFT, "machine-vm")


@pytest.mark.memory
async def test_a_beep_into_the_greeting_of_a_person_only_costs_a_question(scene: Scene) -> None:
    async def ann(line: Line) -> None:
        await line.say("Hello, this is Ann.")
        await line.sound()
        await line.wait(0.5)
        await line.beep(2000, 0.5)
        await line.heard("is somebody there")
        await line.say("Yes, who is it?")
        await line.heard("this is a test call")
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=ann), "leaves", name="Ann")
    question = heard_once(call, QUESTION)
    # The greeting is broken off at once, though "Hello?" may sound like the end of it, and is said
    # anew to the person who answers.
    whole = [said for said in heard(call, GREETING) if said.whole]
    assert whole
    assert all(said.end > question.start for said in whole)
    not_heard(call, MESSAGE)
    assert (record.outcome, record.voicemail) == (Outcome.COMPLETED, "human")


@pytest.mark.memory
async def test_a_machine_that_gives_itself_away_as_it_is_asked_gets_its_message_once(
    scene: Scene,
) -> None:
    async def machine(line: Line) -> None:
        await line.say("Hello?")
        await line.heard("this is a test call")
        await line.say("This is a robot speaking.")
        await line.heard("is somebody there")
        await line.say("Please leave a message after the tone.")
        await line.wait(1.0)
        await line.beep()
        await line.stay()

    _, call, record = await scene.place_to(Telephone(script=machine), "leaves", name="Ann")
    heard_once(call, QUESTION)
    assert heard_once(call, MESSAGE).start > beep_ends(call.recording[:, 0])
    assert record.outcome is Outcome.VOICEMAIL_LEFT


@pytest.mark.memory
async def test_the_model_can_notice_a_machine_itself(scene: Scene) -> None:
    async def sounds_human(line: Line) -> None:
        await line.say("Hello?")
        await line.heard("this is a test call")
        await line.say("This is a robot speaking.")
        await line.wait(1.0)
        await line.beep()
        await line.stay()

    placed, call, record = await scene.place_to(
        Telephone(script=sounds_human), "leaves", name="Ann"
    )
    message = heard_once(call, MESSAGE)
    assert message.start > beep_ends(call.recording[:, 0])
    assert placed.outcome is Outcome.VOICEMAIL_LEFT
    assert [tool.name for tool in record.tools] == ["detected_answering_machine"]


@pytest.mark.memory
async def test_a_person_whom_the_model_calls_a_machine_later_talks_on(scene: Scene) -> None:
    async def ann(line: Line) -> None:
        await line.say("Hello?")
        await line.heard("this is a test call")
        await line.say("This is a robot speaking.")
        await line.heard("is somebody there")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=ann), "leaves", name="Ann")
    heard_once(call, "Today is Monday.")
    not_heard(call, MESSAGE)
    assert record.outcome is Outcome.COMPLETED


# Call screeners


@pytest.mark.promise("A call screener hears who is calling, and the callee is greeted")
async def test_a_screener_is_told_once_who_calls_and_the_person_is_greeted(scene: Scene) -> None:
    async def screened(line: Line) -> None:
        await line.say(SCREENER)
        await line.heard("about the visit of tomorrow")
        await line.say("Thank you. Please stay on the line.")
        await line.wait(3.0)
        await line.say("Hello, this is Ann.")
        await line.heard("this is a polite call")
        await line.say("Who is it?")
        await line.heard("it is only a test")
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=screened), "polite")
    heard_once(call, POLITE)
    heard_once(call, "Good morning Ann, this is a polite call.")
    assert (record.outcome, record.voicemail) == (Outcome.COMPLETED, "screening")


@pytest.mark.memory
async def test_a_screener_without_words_of_its_own_is_told_the_greeting(scene: Scene) -> None:
    async def screened(line: Line) -> None:
        await line.say("If you record your name and reason for calling, we will see.")
        await line.heard("this is a test call")
        await line.wait(2.0)
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=screened), "leaves", name="Ann")
    heard_once(call, GREETING)
    assert (record.outcome, record.voicemail) == (Outcome.DECLINED, "screening")
    assert record.reason == "a call screener answered and hung up"


@pytest.mark.memory
async def test_a_screener_that_comes_late_is_told_who_calls(scene: Scene) -> None:
    async def screened(line: Line) -> None:
        await line.say("Hello.")
        await line.sound()
        await line.say(SCREENER)
        await line.heard("about the visit of tomorrow")
        await line.wait(2.0)
        await line.say("Hello, this is Ann.")
        await line.heard("this is a polite call")
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=screened), "polite")
    heard_once(call, POLITE)
    assert (record.outcome, record.voicemail) == (Outcome.COMPLETED, "screening")


@pytest.mark.memory
async def test_a_screener_that_leads_to_a_voicemail_gets_the_message(scene: Scene) -> None:
    async def screened(line: Line) -> None:
        await line.say(SCREENER)
        await line.heard("about the visit of tomorrow")
        await line.say("This person is not available. Please leave a message after the tone.")
        await line.wait(1.0)
        await line.beep()
        await line.stay()

    _, call, record = await scene.place_to(Telephone(script=screened), "polite")
    heard_once(call, POLITE)
    message = heard_once(call, "This is the polite message. Please call us back.")
    assert message.start > beep_ends(call.recording[:, 0])
    assert (record.outcome, record.voicemail) == (Outcome.VOICEMAIL_LEFT, "screening")


@pytest.mark.memory
async def test_a_screener_that_turns_us_away_ends_the_call(scene: Scene) -> None:
    async def screened(line: Line) -> None:
        await line.say(SCREENER)
        await line.heard("about the visit of tomorrow")
        await line.say("This person is not available.")
        await line.stay()

    placed, call, record = await scene.place_to(Telephone(script=screened), "polite")
    assert placed.outcome is Outcome.DECLINED
    assert record.reason == "a call screener answered and declined the call"
    assert record.ended_by == "far end"


@pytest.mark.memory
async def test_a_screener_behind_which_nobody_comes_is_not_waited_for_for_ever(
    scene: Scene,
) -> None:
    placed, call, record = await scene.place_to(Telephone(script=says(SCREENER)), "polite")
    heard_once(call, POLITE)
    assert placed.outcome is Outcome.NO_ANSWER
    assert record.ended_by == "host"
    assert record.duration < 30


@pytest.mark.memory
async def test_a_persona_may_hang_up_on_screeners(scene: Scene) -> None:
    placed, call, record = await scene.place_to(Telephone(script=says(SCREENER)), "shy")
    not_heard(call, "Good morning, this is a shy call.")
    assert placed.outcome is Outcome.VOICEMAIL_SKIPPED
    assert record.reason == "a call screener answered"
