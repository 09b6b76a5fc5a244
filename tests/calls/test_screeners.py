"""Call screeners that ask more than once, and who or what follows them."""

import pytest
from machines import GREETING

from host.local.phone import Line, Telephone
from host.records.outcome import Outcome
from host.testing import Scene, heard, heard_once, not_heard

SCREENER = "Hi, if you record your name and reason for calling, I'll see if she is available."
TELL_ME_MORE = "Can you tell me more about why you are calling?"
STAY = "Thanks, please stay on the line."
WHO_CALLS = "This is Molar Dental about the visit of tomorrow."
POLITE = "Good morning Ann, this is a polite call."


async def test_a_second_question_is_answered_and_the_person_is_greeted(scene: Scene) -> None:
    picked_up = 0.0

    async def screened(line: Line) -> None:
        nonlocal picked_up
        await line.say(SCREENER)
        await line.heard("about the visit of tomorrow")
        await line.say(TELL_ME_MORE)
        await line.heard("about the visit of tomorrow")
        await line.say(STAY)
        await line.wait(3.0)
        picked_up = line.call.since_answer()
        await line.say("Hello, this is Ann.")
        await line.heard("this is a polite call")
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=screened), "polite")
    assert len(heard(call, WHO_CALLS)) == 2
    assert heard_once(call, POLITE).start > picked_up
    assert (record.outcome, record.voicemail) == (Outcome.COMPLETED, "screening")


@pytest.mark.memory
async def test_without_words_of_its_own_the_model_answers_a_second_question(
    scene: Scene,
) -> None:
    async def screened(line: Line) -> None:
        await line.say(SCREENER)
        await line.heard("this is a test call")
        await line.say("What day is it about, is it urgent?")
        await line.heard("today is monday")
        await line.say(STAY)
        await line.wait(2.0)
        await line.say("Yes?")
        await line.heard("this is a test call")
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=screened), "leaves", name="Ann")
    heard_once(call, "Today is Monday.")
    assert len(heard(call, GREETING)) == 2
    assert (record.outcome, record.voicemail) == (Outcome.COMPLETED, "screening")


@pytest.mark.memory
@pytest.mark.parametrize(
    "words",
    [
        pytest.param("Hello, why are you calling?", id="hello"),
        pytest.param("Who is this?", id="who is this"),
        pytest.param("Ann Miller.", id="a name"),
    ],
)
@pytest.mark.table(quick=3)
async def test_the_callees_own_first_words_are_greeted(scene: Scene, words: str) -> None:
    async def screened(line: Line) -> None:
        await line.say(SCREENER)
        await line.heard("about the visit of tomorrow")
        await line.say(STAY)
        await line.wait(2.0)
        await line.say(words)
        await line.heard("this is a polite call")
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=screened), "polite")
    heard_once(call, WHO_CALLS)
    heard_once(call, POLITE)
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.memory
@pytest.mark.corpus
async def test_a_screener_that_asks_without_end_is_answered_four_times(scene: Scene) -> None:
    async def screened(line: Line) -> None:
        await line.say(SCREENER)
        for _ in range(6):
            await line.wait(6.0)
            await line.say(TELL_ME_MORE)
        await line.stay()

    _, call, record = await scene.place_to(Telephone(script=screened), "polite")
    assert len(heard(call, WHO_CALLS)) == 4
    not_heard(call, POLITE)
    assert (record.outcome, record.ended_by) == (Outcome.NO_ANSWER, "host")


@pytest.mark.memory
@pytest.mark.parametrize(
    "words",
    [
        "Sorry, nobody is available. Goodbye.",
        "They can't talk right now, but they'll call you back. Goodbye.",
        "Please remove this number from your list. Goodbye.",
    ],
)
@pytest.mark.table(quick=3)
async def test_a_screener_that_turns_us_away_after_a_question_ends_the_call(
    scene: Scene, words: str
) -> None:
    async def screened(line: Line) -> None:
        await line.say(SCREENER)
        await line.heard("about the visit of tomorrow")
        await line.say(TELL_ME_MORE)
        await line.heard("about the visit of tomorrow")
        await line.say(words)
        await line.stay()

    _, call, record = await scene.place_to(Telephone(script=screened), "polite")
    not_heard(call, POLITE)
    assert record.outcome is Outcome.DECLINED
    assert record.reason == "a call screener answered and declined the call"


@pytest.mark.memory
async def test_a_refusal_in_several_turns_that_offers_voicemail_gets_the_message(
    scene: Scene,
) -> None:
    async def screened(line: Line) -> None:
        await line.say(SCREENER)
        await line.heard("about the visit of tomorrow")
        await line.say("They can't take the call.")
        await line.wait(1.5)
        await line.say("Feel free to leave a message.")
        await line.wait(1.0)
        await line.beep()
        await line.stay()

    _, call, record = await scene.place_to(Telephone(script=screened), "polite")
    heard_once(call, "This is the polite message. Please call us back.")
    assert (record.outcome, record.voicemail) == (Outcome.VOICEMAIL_LEFT, "screening")
