"""Keys in whole calls: menus, numbers, and menus of others that the host finds its way through."""

from __future__ import annotations

import pytest
from scene import events

from host.local.phone import Line, Telephone
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.testing import Scene, heard_once, not_heard

MASK = "\N{BULLET}"
FIRST = "For the office press one."
LAST = "For everything else stay on the line."
MENU = f"{FIRST} For a city press two. You may also write us a letter. {LAST}"
WRONG, NONE = "Sorry, that is not one of the choices.", "Sorry, I did not get that."
SECRET = "Please type your secret number."


def keyed(record: CallRecord, who: str = "caller") -> str:
    """The keys of one side in a record, in a row."""
    return "".join(key.digit for key in record.keys if key.who == who)


def said(record: CallRecord) -> list[str]:
    """What the persona said, in order."""
    return [line.text for line in record.transcript if line.who == "persona"]


async def listened(line: Line) -> None:
    """Wait until greeting and prompt are over."""
    await line.sound()
    await line.silence_for(1.2)


@pytest.mark.promise("A caller chooses from a menu by key")
async def test_a_key_breaks_the_prompt_off_and_counts(scene: Scene) -> None:
    async def hurries(line: Line) -> None:
        await line.sound()
        await line.wait(3.0)  # the prompt takes ten seconds
        await line.press("1")
        await line.silence_for(1.2)
        await line.hang_up()

    call = await scene.ring("menu", hurries)
    record = await scene.over(call)
    heard_once(call, "Welcome to the menu.")
    heard_once(call, "You have chosen the office.")
    not_heard(call, LAST)
    assert keyed(record) == "1"
    assert [(each.menu, each.key, each.choice) for each in record.menus] == [
        (MENU, "1", "the office")
    ]
    assert [fact for event, fact in events(scene, call.room) if event == "digit"] == ["1"]


@pytest.mark.memory
async def test_a_wrong_key_is_said_and_the_menu_is_offered_again(scene: Scene) -> None:
    async def errs(line: Line) -> None:
        await line.heard("stay on the line")
        await line.press("9")
        await line.heard("not one of the choices")
        await line.heard("stay on the line")
        await line.press("1")
        await line.heard("you have chosen the office")
        await line.hang_up()

    call = await scene.ring("menu", errs)
    record = await scene.over(call)
    heard_once(call, WRONG)
    assert said(record)[1:] == [MENU, f"{WRONG} {MENU}", "You have chosen the office."]


@pytest.mark.memory
async def test_whoever_presses_nothing_is_asked_again_and_then_let_go(scene: Scene) -> None:
    call = await scene.ring("menu", Line.stay)
    record = await scene.over(call)
    heard_once(call, NONE)
    heard_once(call, "Nobody has chosen. Goodbye.")
    assert said(record)[1:] == [MENU, f"{NONE} {MENU}", "Nobody has chosen. Goodbye."]
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "persona")


async def test_keys_that_are_typed_ahead_go_through_two_menus(scene: Scene) -> None:
    async def knows(line: Line) -> None:
        await line.press("22")
        await listened(line)
        await line.hang_up()

    call = await scene.ring("menu", knows)
    await scene.over(call)
    heard_once(call, "Welcome to the menu.")
    heard_once(call, "You have chosen Paris.")
    not_heard(call, FIRST)
    not_heard(call, "For London press one.")


@pytest.mark.memory
async def test_what_is_said_during_a_menu_is_kept_and_not_answered(scene: Scene) -> None:
    async def talks(line: Line) -> None:
        await line.sound()
        await line.wait(3.0)
        await line.say("What day is it?")
        await line.heard("stay on the line")
        await line.press("1")
        await line.heard("you have chosen the office")
        await line.say("Who is it?")
        await line.heard("it is only a test")
        await line.hang_up()

    call = await scene.ring("menu", talks)
    record = await scene.over(call)
    not_heard(call, "Today is Monday.")
    heard_once(call, LAST)
    heard_once(call, "You have chosen the office.")
    assert "What day is it?" in [line.text for line in record.transcript if line.who == "caller"]
    asked = [each for each in scene.world.llm.requests if "the menu of the tests" in str(each)]
    assert "What day is it?" in str(asked[-1]["messages"])


@pytest.mark.whole("a realtime model speaks over a websocket")
async def test_a_realtime_model_says_the_menu_and_leaves_the_word_to_it(scene: Scene) -> None:
    async def talks(line: Line) -> None:
        await listened(line)
        await line.say("What day is it?")
        await line.wait(2.0)
        await line.press("1")
        await listened(line)
        await line.hang_up()

    call = await scene.ring("realmenu", talks)
    record = await scene.over(call)
    heard_once(call, "For London press one.")
    heard_once(call, "You have chosen London.")
    assert said(record) == [
        "Welcome to the menu.",
        "For London press one.",
        "You have chosen London.",
    ]


@pytest.mark.both_generations
async def test_a_menu_ends_with_its_call(scene: Scene) -> None:
    async def leaves(line: Line) -> None:
        await line.sound()
        await line.wait(3.0)
        await line.hang_up()

    call = await scene.ring("menu", leaves)
    record = await scene.over(call)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")
    mine = [line for line in scene.log().splitlines() if call.room in line]
    assert mine
    assert not [line for line in mine if "call_greeted" in line]


@pytest.mark.memory
async def test_a_private_number_is_in_no_record_and_no_log(scene: Scene) -> None:
    async def types(line: Line) -> None:
        await listened(line)
        await line.press("47*47110815#")
        await line.heard("type the amount")
        await line.press("9*2500#")
        await line.heard("all is well")
        await line.say("Here is my number.")
        await line.heard("your own number now")
        await line.press("7351946280#")
        await line.heard("I shall remember it well")
        await line.hang_up()

    call = await scene.ring("bank", types)
    record = await scene.over(call)
    heard_once(call, SECRET)
    heard_once(call, "Thank you. All is well.")
    heard_once(call, "I shall remember it well.")
    assert keyed(record) == MASK * 12 + "9*2500#" + MASK * 11
    assert [tool.result for tool in record.tools] == [f"The number is {MASK * 10}."]
    for written in (record.model_dump_json(), scene.log()):
        assert "47110815" not in written
        assert "7351946280" not in written
    told = [fact for event, fact in events(scene, call.room) if event == "digit"]
    assert "".join(told) == "47*47110815#9*2500#7351946280#"


@pytest.mark.memory
async def test_a_wrong_number_is_asked_for_again(scene: Scene) -> None:
    async def errs(line: Line) -> None:
        await line.press("12345678")
        await listened(line)
        await line.press("47110815")
        await line.heard("type the amount")
        await line.press("2500")
        await line.heard("all is well")
        await line.hang_up()

    call = await scene.ring("bank", errs)
    record = await scene.over(call)
    heard_once(call, WRONG)
    heard_once(call, SECRET)
    assert keyed(record) == MASK * 16 + "2500"


@pytest.mark.promise("Keys are sent and received")
async def test_keys_go_both_ways(scene: Scene) -> None:
    async def presses(line: Line) -> None:
        await line.heard("press a key please")
        await line.press("7")
        await line.heard("you pressed 7")
        await line.press("#")
        await line.stay()

    call = await scene.ring("keys", presses)
    record = await scene.over(call)
    assert [key.digit for key in call.keys] == ["1", "2", "#"]
    heard_once(call, "That was all. Goodbye.")
    assert (keyed(record), keyed(record, "persona")) == ("7#", "12#")
    assert [fact for event, fact in events(scene, call.room) if event == "digit"] == ["7", "#"]


async def test_the_model_finds_its_way_through_a_menu_with_pauses(scene: Scene) -> None:
    async def office(line: Line) -> None:
        await line.heard("this is the finder")
        await line.say("Please press two for the office.")
        await line.keyed("25#")
        await line.wait(1.0)
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    placed, call, record = await scene.place_to(Telephone(script=office), "finds")
    assert placed.outcome is Outcome.COMPLETED
    assert [key.digit for key in call.keys] == ["2", "5", "#"]
    two, five, hash_key = (key.at for key in call.keys)
    assert five - two > 2.7  # a key's half second, two seconds, half a second
    assert hash_key - five < 2.0
    assert keyed(record, "persona") == MASK * 3  # host.toml wants every key masked
    assert [tool.arguments for tool in record.tools] == [f'{{"keys": "{MASK * 5}"}}']
    assert said(record) == ["This is the finder.", "Today is Monday."]


@pytest.mark.memory
async def test_a_pause_after_many_keys_is_as_long_as_after_one(scene: Scene) -> None:
    async def office(line: Line) -> None:
        await line.heard("this is the finder")
        await line.say("Please press your customer key.")
        await line.keyed("12345*12345*#")
        await line.hang_up()

    _, call, _ = await scene.place_to(Telephone(script=office), "finds")
    at = [key.at for key in call.keys]
    assert at[-1] - at[-2] > 1.0  # a key's half second, and half a second


async def test_keys_that_no_telephone_has_are_told_to_the_model(scene: Scene) -> None:
    async def menu(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("Please press the star key.")
        await line.heard("I can not press that")
        await line.hang_up()

    call = await scene.ring("desk", menu)
    record = await scene.over(call)
    assert call.keys == []
    assert record.tools[0].failed
    assert "can't be pressed" in record.tools[0].result
