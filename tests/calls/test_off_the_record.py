"""Calls that are off the record for a while, and numbers that are said."""

from __future__ import annotations

import pytest
from canaries import CARD, UNRECORDED, found_below, found_in
from people import asks_to_pay, pays, tells_the_card
from scene import checkpoints_of, kill_its_process

from host.call.keypad import MASK
from host.call.unrecorded import MARK
from host.local.phone import Line
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.testing import Scene, heard_once, not_heard


def said(record: CallRecord) -> list[tuple[str, str]]:
    return [(line.who, line.text) for line in record.transcript]


@pytest.mark.memory
async def test_the_number_of_a_card_is_heard_by_the_model_and_kept_nowhere(scene: Scene) -> None:
    call = await scene.ring("payer", pays)
    record = await scene.over(call)
    heard_once(call, "Thank you very much, it is paid.")
    assert said(record) == [
        ("persona", "This is the payer."),
        ("caller", "I would like to pay."),
        ("persona", MARK),
        ("caller", MARK),
        ("persona", "Thank you very much, it is paid."),
        ("caller", "What day is it?"),
        ("persona", "Today is Monday."),
    ]
    assert [(tool.name, tool.arguments, tool.result) for tool in record.tools] == [
        ("take_card", "", ""),
        ("charge", "", ""),
    ]
    assert record.outcome is Outcome.COMPLETED
    asked = [each for each in scene.world.llm.requests if "the payer of the tests" in str(each)]
    assert UNRECORDED in str(asked[-1]["messages"])
    assert list(found_below(scene.folder)) == []


@pytest.mark.memory
async def test_results_and_conclusions_have_nothing_of_what_was_off_the_record(
    scene: Scene,
) -> None:
    record = await scene.over(await scene.ring("biller", pays))
    assert record.results == {
        "payment": {"card": MASK * 16, "by": "card"},
        "conclusions": {"card": None, "paid": True},
    }
    asked = [each for each in scene.world.llm.requests if "call is over" in str(each)]
    [transcript] = [request["messages"][-1]["content"] for request in asked]
    assert f"caller: {MARK}" in transcript
    assert "caller: I would like to pay." in transcript
    assert found_in(transcript.encode()) == []
    assert list(found_below(scene.folder)) == []


@pytest.mark.memory
async def test_a_recording_that_is_stopped_too_late_costs_no_record(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: dict[str, Checkpoint | None] = {}
    close = CheckpointStore.close

    def closed(store: CheckpointStore, call: str) -> None:
        left[call] = store.read(call)
        close(store, call)

    monkeypatch.setattr(CheckpointStore, "close", closed)
    record = await scene.over(await scene.ring("biller", pays))
    checkpoint = left[record.id]
    assert checkpoint is not None
    assert checkpoint.record is not None, "the process could die before the record is written"


@pytest.mark.memory
async def test_a_call_that_is_taken_over_in_a_pause_stays_off_the_record(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.runner.checkpoint.EVERY", 1000)  # the pause itself is written

    async def goes_on(line: Line) -> None:
        await asks_to_pay(line)
        kill_its_process(scene, line.call.room)
        await line.heard("cut off for a moment", 30)
        await tells_the_card(line)
        await line.wait(2.5)
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("payer", goes_on)
    record = await scene.over(call)
    assert record.taken_over == 1
    texts = [text for _, text in said(record)]
    assert UNRECORDED not in texts
    assert texts[-3:] == ["Thank you very much, it is paid.", "What day is it?", "Today is Monday."]
    assert set(texts[texts.index("I would like to pay.") + 1 : -3]) == {MARK}
    assert list(found_below(scene.folder)) == []


@pytest.mark.memory
async def test_a_checkpoint_has_nothing_of_a_pause(scene: Scene) -> None:
    written: list[str] = []

    async def looks(line: Line) -> None:
        await asks_to_pay(line)
        await tells_the_card(line)
        await line.wait(1.0)
        written.extend(str(each) for each in checkpoints_of(scene, line.call.room))
        await line.hang_up()

    await scene.over(await scene.ring("payer", looks))
    (checkpoint,) = written
    assert "'charged': True" in checkpoint
    assert MASK * 16 in checkpoint
    assert "4929" not in checkpoint
    assert "marmalade" not in checkpoint


async def test_numbers_may_be_said_instead_of_typed(scene: Scene) -> None:
    async def says_them(line: Line) -> None:
        await line.heard("customer number")
        await line.say("It is forty seven, one one.")
        await line.heard("say or type your pin")
        await line.say("29")
        await line.wait(1.5)  # a transcript comes later than a key
        await line.press("4")
        await line.say("six one eight")
        await line.heard("number of your card")
        await line.say("4929 1186")
        await line.say("0375 4429")
        await line.heard("all is well")
        await line.wait(2.5)
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("teller", says_them)
    record = await scene.over(call)
    heard_once(call, "Thank you. All is well.")
    by_caller = [text for who, text in said(record) if who == "caller"]
    assert by_caller[0] == "It is forty seven, one one."
    assert set(by_caller[1:-1]) == {MARK}
    assert by_caller[-1] == "What day is it?"
    assert [key.digit for key in record.keys] == [MASK]
    asked = [each for each in scene.world.llm.requests if "the teller of the tests" in str(each)]
    messages = str(asked[-1]["messages"])
    assert "It is forty seven" in messages
    assert "six one eight" not in messages, "the persona has it: the model need not"
    assert CARD[:9] not in messages


@pytest.mark.memory
async def test_more_digits_than_asked_for_are_wrong_and_asked_for_again(scene: Scene) -> None:
    async def errs(line: Line) -> None:
        await line.heard("customer number")
        await line.say("My number is 47115.")
        await line.heard("not one of the choices")
        await line.heard("customer number")
        await line.say("It is 4711.")
        await line.heard("type your pin")
        await line.hang_up()

    call = await scene.ring("teller", errs)
    await scene.over(call)
    heard_once(call, "Sorry, that is not one of the choices.")


@pytest.mark.memory
async def test_a_number_that_takes_long_to_say_is_waited_for(scene: Scene) -> None:
    async def hesitates(line: Line) -> None:
        await line.heard("customer number")
        await line.say("Well, let me see, it must be on some of these old letters here, yes,")
        await line.wait(1.0)
        await line.say(
            "now I have it, and it is a good thing that I never throw such a letter away: "
            "it begins with four seven, and then there is something that is hard to read, "
            "and after all of that it ends with a one and with a one."
        )
        await line.heard("type your pin")
        await line.hang_up()

    call = await scene.ring("teller", hesitates)
    await scene.over(call)
    not_heard(call, "Sorry, I did not get that.")
