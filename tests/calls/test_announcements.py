"""Network announcements in answered calls: nothing is said to them, and the record tells them."""

import pytest
from machines import GREETING, MESSAGE, QUESTION, says

from host.local.exchange import Subscriber
from host.local.phone import Fails, Line, NoAnswer, Telephone
from host.local.sound import loud
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.testing import Scene, heard_once, not_heard

NOT_IN_SERVICE = "The number you have dialed is not in service. Please check the number."
AS_DIALED = "We're sorry, your call cannot be completed as dialed. Please check the number."
NOT_AVAILABLE = "The subscriber you have called is not available. Please try again later."
BUSY = "The customer you have called is on another call. Please try again later."
WHAT = {
    Outcome.INVALID_NUMBER: "the number is not in service",
    Outcome.BUSY: "the line is busy",
    Outcome.NO_ANSWER: "the callee can't be reached",
}
ANNOUNCEMENTS = pytest.mark.parametrize(
    ("words", "outcome"),
    [
        pytest.param(NOT_IN_SERVICE, Outcome.INVALID_NUMBER, id="not in service"),
        pytest.param(AS_DIALED, Outcome.INVALID_NUMBER, id="as dialed"),
        pytest.param(NOT_AVAILABLE, Outcome.NO_ANSWER, id="not available"),
        pytest.param(BUSY, Outcome.BUSY, id="busy"),
    ],
)


@pytest.mark.sample("not in service-leaves")
@pytest.mark.parametrize("persona", ["leaves", "skips"])
@ANNOUNCEMENTS
@pytest.mark.table(quick=4)
async def test_nothing_is_said_to_an_announcement_whatever_the_policy(
    scene: Scene, words: str, outcome: Outcome, persona: str
) -> None:
    placed, call, record = await scene.place_to(Telephone(script=says(words)), persona, name="Ann")
    assert not loud(call.recording[:, 1]).any()
    assert placed.outcome is record.outcome is outcome
    assert record.retryable is (outcome is not Outcome.INVALID_NUMBER)
    assert record.reason == f"a network announcement said that {WHAT[outcome]}"
    assert (record.voicemail, record.ended_by) == ("announcement", "host")
    assert record.duration < 15


@pytest.mark.sample("not available")
@ANNOUNCEMENTS
async def test_an_announcement_after_which_the_network_hangs_up_counts_as_well(
    scene: Scene, words: str, outcome: Outcome
) -> None:
    parts = says(words, stays=False)
    _, _, record = await scene.place_to(Telephone(script=parts), "leaves", name="Ann")
    assert (record.outcome, record.ended_by) == (outcome, "far end")
    assert record.reason == f"a network announcement said that {WHAT[outcome]}"
    assert record.voicemail == "announcement"


@pytest.mark.memory
@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("The number you have dialed is not in service, please check it", Outcome.INVALID_NUMBER),
        ("The subscriber you have called is not available, please try it", Outcome.NO_ANSWER),
        ("The customer you have called is on another call, please try it", Outcome.BUSY),
    ],
    ids=["not in service", "not available", "busy"],
)
async def test_a_network_that_hangs_up_within_its_announcement_has_told_the_outcome(
    scene: Scene, words: str, outcome: Outcome
) -> None:
    """There is no final transcript yet, by which it would be judged."""

    async def network(line: Line) -> None:
        await line.wait(await line.begin(f"{words} again and again.") - 0.5)
        await line.hang_up()

    placed, call, record = await scene.place_to(Telephone(script=network), "leaves", name="Ann")
    assert not loud(call.recording[:, 1]).any()
    assert placed.outcome is record.outcome is outcome
    assert record.reason == f"a network announcement said that {WHAT[outcome]}"
    assert (record.voicemail, record.ended_by) == ("announcement", "far end")


@pytest.mark.memory
async def test_an_announcement_that_offers_voicemail_is_a_machine(scene: Scene) -> None:
    parts = says(NOT_AVAILABLE, 2.0, "Please leave a message after the tone.", 1.0, beep=True)
    _, call, record = await scene.place_to(Telephone(script=parts), "leaves", name="Ann")
    heard_once(call, MESSAGE)
    assert (record.outcome, record.voicemail) == (Outcome.VOICEMAIL_LEFT, "machine-vm")


async def test_somebody_who_picks_up_after_an_announcement_is_greeted(scene: Scene) -> None:
    async def ann(line: Line) -> None:
        await line.say(NOT_AVAILABLE)
        await line.wait(1.0)
        await line.say("Hello, this is Ann.")
        await line.heard("this is a test call")
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=ann), "leaves", name="Ann")
    heard_once(call, GREETING)
    assert (record.outcome, record.voicemail) == (Outcome.COMPLETED, "human")


@pytest.mark.memory
@ANNOUNCEMENTS
@pytest.mark.table(quick=3)
async def test_an_announcement_that_comes_late_is_asked_whether_somebody_is_there(
    scene: Scene, words: str, outcome: Outcome
) -> None:
    async def network(line: Line) -> None:
        await line.sound()  # nothing was said, so the persona greets
        await line.say(words)
        await line.stay()

    _, call, record = await scene.place_to(Telephone(script=network), "leaves", name="Ann")
    heard_once(call, QUESTION)
    not_heard(call, MESSAGE)
    assert (record.outcome, record.ended_by) == (outcome, "host")
    assert record.voicemail == "announcement"


@pytest.mark.memory
async def test_a_person_who_tells_of_an_announcement_is_not_hung_up_on(scene: Scene) -> None:
    async def bob(line: Line) -> None:
        await line.say("Hello?")
        await line.heard("this is a test call")
        await line.say("Her phone says the number you have dialed is not in service.")
        await line.heard("is somebody there")
        await line.say("Yes. What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(script=bob), "leaves", name="Ann")
    heard_once(call, "Today is Monday.")
    assert (record.outcome, record.voicemail) == (Outcome.COMPLETED, "human")


# Before the answer, as early media


@pytest.mark.sample("480, no number")
@pytest.mark.parametrize(
    ("status", "words", "outcome", "retryable"),
    [
        pytest.param(480, NOT_IN_SERVICE, Outcome.INVALID_NUMBER, False, id="480, no number"),
        pytest.param(503, NOT_IN_SERVICE, Outcome.INVALID_NUMBER, False, id="503, no number"),
        pytest.param(503, NOT_AVAILABLE, Outcome.NO_ANSWER, True, id="503, not available"),
        pytest.param(480, BUSY, Outcome.BUSY, True, id="480, busy"),
    ],
)
async def test_an_announcement_explains_a_vague_status(
    scene: Scene, status: int, words: str, outcome: Outcome, retryable: bool
) -> None:
    network = Fails(status, 9.0, early=says(words))
    record = await _rings_in_vain(scene, network)
    assert (record.outcome, record.retryable) == (outcome, retryable)
    assert (record.sip_status, record.ended_by) == (status, "far end")
    said = f"a network announcement said that {WHAT[outcome]} (SIP {status})"
    assert record.reason == said
    assert (record.voicemail, record.transcript) == (None, [])


@pytest.mark.memory
@pytest.mark.parametrize(
    ("status", "outcome"),
    [(404, Outcome.INVALID_NUMBER), (486, Outcome.BUSY), (603, Outcome.DECLINED)],
)
async def test_a_definite_status_needs_no_announcement(
    scene: Scene, status: int, outcome: Outcome
) -> None:
    record = await _rings_in_vain(scene, Fails(status, 9.0, early=says(NOT_AVAILABLE)))
    assert (record.outcome, record.sip_status) == (outcome, status)
    assert "announcement" not in record.reason


@pytest.mark.memory
async def test_an_announcement_explains_a_call_that_rings_on(scene: Scene) -> None:
    record = await _rings_in_vain(scene, NoAnswer(early=says(NOT_IN_SERVICE)))
    assert (record.outcome, record.retryable) == (Outcome.INVALID_NUMBER, False)
    assert record.reason == "a network announcement said that the number is not in service"


async def test_other_early_media_explains_nothing(scene: Scene) -> None:
    network = Fails(480, 9.0, early=says("You have reached the voicemail of Ann.", 1.0, beep=True))
    record = await _rings_in_vain(scene, network)
    assert (record.outcome, record.reason) == (
        Outcome.NO_ANSWER,
        "the call was not answered (SIP 480)",
    )


async def _rings_in_vain(scene: Scene, network: Subscriber) -> CallRecord:
    _, _, record = await scene.place_to(network, "leaves", name="Ann")
    return record
