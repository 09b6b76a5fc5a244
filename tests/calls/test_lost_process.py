"""A call whose process is killed or blocked: another takes it over, or the far end is hung up."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from scene import a_scene, answer_of, checkpoints_of, end_of, events, kill_its_process
from transfers import (
    ANN,
    BOB,
    CALLER,
    SALES,
    SWITCHBOARD,
    asks_for,
    colleague,
    nothing_left,
    presses_one_at_once,
)

from host.local.phone import Line, NoAnswer, PhoneCall, Telephone
from host.local.process import HostProcess
from host.local.records import records_of
from host.records.outcome import Outcome
from host.settings import Words
from host.testing import Scene, heard, heard_once, not_heard

BACK = "I am sorry, we were cut off for a moment. I am here again, please go on."
WORDS = "please go on"
GREETING = "This is the desk. What can I do for you?"


async def waits(line: Line) -> None:
    await line.heard("what can I do for you")
    await line.stay()


async def goes_on(line: Line) -> None:
    await line.heard("what can I do for you")
    await line.say("Who is it?")
    await line.heard("only a test")
    await line.heard(WORDS, 30)
    await line.say("What day is it?")
    await line.heard("today is monday")
    await line.hang_up()


@pytest.mark.promise("A call whose process is killed is taken over")
@pytest.mark.both_generations
async def test_another_process_goes_on_with_the_call(scene: Scene) -> None:
    call = await scene.ring("desk", goes_on)
    await call.pulse.until(lambda: _heard(call, "only a test"), 30, "an answer")
    await call.pulse.until(
        lambda: _words_in_checkpoint(scene, call) >= 3, 10, "a checkpoint with all of it"
    )
    killed = kill_its_process(scene, call.room)
    record = await scene.over(call)
    heard_once(call, GREETING)
    assert answer_of(call) + heard_once(call, BACK).start - killed < 5
    heard_once(call, "Today is Monday.")
    assert (record.outcome, record.ended_by, record.taken_over) == ("completed", "far end", 1)
    said = [line.text for line in record.transcript]
    before = [GREETING, "Who is it?", "It is only a test."]
    assert said == [*before, BACK, "What day is it?", "Today is Monday."]
    assert [fact for event, fact in events(scene, call.room) if event == "ended"] == ["completed"]
    assert len(await records_of(scene.folder / "calls.jsonl", call.room, 1)) == 1
    assert not checkpoints_of(scene, call.room)


@pytest.mark.both_generations
async def test_a_call_is_taken_over_once(scene: Scene) -> None:
    call = await scene.ring("desk", waits)
    await call.pulse.until(lambda: _heard(call, "can i do"), 30, "the greeting")
    await call.pulse.until(
        lambda: _words_in_checkpoint(scene, call) >= 1, 10, "a checkpoint with it"
    )
    kill_its_process(scene, call.room)
    await call.pulse.until(lambda: _heard(call, "cut off"), 20, "the second process")
    killed = kill_its_process(scene, call.room)
    record = await scene.over(call)
    assert end_of(call) - killed < 5
    heard_once(call, BACK)
    assert (record.outcome, record.ended_by, record.taken_over) == ("failed", "host", 1)
    assert record.reason == "the call's process died"
    assert record.duration > 3


@pytest.mark.memory
async def test_a_caller_whose_process_dies_before_it_answers_is_answered_by_another(
    scene: Scene,
) -> None:
    async def goes_when_back(line: Line) -> None:
        await line.heard(WORDS, 30)
        await line.hang_up()

    call = await scene.ring("slow", goes_when_back)
    await call.pulse.until(
        lambda: any(each["state"]["personas"] for each in checkpoints_of(scene, call.room)),
        30,
        "a checkpoint with the persona",
    )
    assert not _checkpoint(scene, call)["state"]["answered_at"]
    kill_its_process(scene, call.room)
    record = await scene.over(call)
    heard_once(call, BACK)
    assert (record.outcome, record.ended_by, record.taken_over) == ("completed", "far end", 1)
    assert record.answered_at


@pytest.mark.memory
async def test_a_call_whose_process_dies_as_it_hangs_up_is_not_taken_over(scene: Scene) -> None:
    call = await scene.ring("impatient", Line.stay)
    await call.pulse.until(
        lambda: any(each["state"]["ended_at"] for each in checkpoints_of(scene, call.room)),
        60,
        "a checkpoint of a call that is over",
    )
    assert not call.over.done()
    kill_its_process(scene, call.room)
    record = await scene.over(call)
    not_heard(call, BACK)
    assert (record.outcome, record.taken_over) == ("failed", 0)


@pytest.mark.memory
async def test_a_disclosure_that_was_cut_off_is_made_by_the_next_process(scene: Scene) -> None:
    call = await scene.ring("candid", Line.stay)
    await call.answered()
    await call.pulse.until(
        lambda: any(each["state"]["greeted"] for each in checkpoints_of(scene, call.room)),
        30,
        "a checkpoint of the greeting",
    )
    assert not _words_in_checkpoint(scene, call)
    kill_its_process(scene, call.room)
    await call.pulse.until(lambda: _heard(call, WORDS), 30, "the second process")
    await call.hang_up()
    await scene.over(call)
    disclosed = heard(call, "You are talking to a machine.")[-1]
    assert disclosed.end <= heard_once(call, BACK).start


@pytest.mark.memory
async def test_a_call_that_was_taken_over_has_its_limits(scene: Scene) -> None:
    call = await scene.ring("warned", Line.stay)
    await call.pulse.until(
        lambda: _words_in_checkpoint(scene, call) >= 1, 30, "a checkpoint of the greeting"
    )
    kill_its_process(scene, call.room)
    record = await scene.over(call)
    heard_once(call, BACK)
    heard_once(call, Words().time_nearly_up)
    assert 13 < heard_once(call, Words().time_up).start < 19
    assert (record.outcome, record.ended_by, record.taken_over) == ("completed", "host", 1)


@pytest.mark.memory
async def test_a_menu_is_offered_again_after_a_takeover(scene: Scene) -> None:
    async def chooses(line: Line) -> None:
        await line.heard(WORDS, 40)
        await line.heard("for the office press one")
        await line.press("1")
        await line.heard("you have chosen the office")
        await line.hang_up()

    call = await scene.ring("menu", chooses)
    await call.pulse.until(lambda: _heard(call, "for a city"), 30, "the menu")
    await call.pulse.until(
        lambda: _words_in_checkpoint(scene, call) >= 1, 10, "a checkpoint with the greeting"
    )
    kill_its_process(scene, call.room)
    record = await scene.over(call, 60)
    heard_once(call, "Welcome to the menu.")
    heard_once(call, "You have chosen the office.")
    assert [key.digit for key in record.keys] == ["1"]
    assert (record.outcome, record.ended_by, record.taken_over) == ("completed", "far end", 1)
    greeted = [fact for event, fact in events(scene, call.room) if event == "greeted"]
    assert greeted == ["first", "again"]


@pytest.mark.memory
@pytest.mark.parametrize("known", [False, True], ids=["nothing known", "customer known"])
async def test_a_persona_goes_on_where_it_was(scene: Scene, known: bool) -> None:
    async def keys_in(line: Line) -> None:
        await line.heard("your customer number")
        if known:
            await line.press("4711")
            await line.heard("now the amount")
        await line.heard(WORDS, 40)
        if not known:
            await line.heard("your customer number")
            await line.press("4711")
        await line.heard("now the amount")
        await line.press("250")
        await line.stay()

    call = await scene.ring("returns", keys_in)
    await call.pulse.until(
        lambda: (
            _heard(call, "amount please" if known else "number please")
            and _checkpoint(scene, call)["kept"] == ({"customer": "4711"} if known else {})
        ),
        30,
        "a checkpoint of what is known",
    )
    kill_its_process(scene, call.room)
    record = await scene.over(call, 60)
    heard_once(call, "Welcome to the bank of returns.")
    assert len(heard(call, "Your customer number please.")) == (1 if known else 2)
    assert len(heard(call, "Now the amount please.")) == (2 if known else 1)
    heard_once(call, "Customer 4711 pays 250. Goodbye.")
    assert "".join(key.digit for key in record.keys) == "4711250"
    assert (record.outcome, record.ended_by, record.taken_over) == ("completed", "persona", 1)
    # The plugin that has no `resumed` is told that it has greeted, beside the persona that has one.
    greeted = [fact for event, fact in events(scene, call.room) if event == "greeted"]
    assert greeted == ["first", "again"]


@pytest.mark.both_generations
async def test_a_call_that_nobody_may_take_over_is_hung_up(scene: Scene) -> None:
    call = await scene.ring("firm", Line.stay)
    await call.pulse.until(lambda: _heard(call, "that was it"), 40, "the greeting")
    killed = kill_its_process(scene, call.room)
    record = await scene.over(call)
    assert end_of(call) - killed < 5
    not_heard(call, BACK)
    assert (record.outcome, record.ended_by, record.taken_over) == ("failed", "host", 0)
    assert not checkpoints_of(scene, call.room)


@pytest.mark.promise("A call whose process blocks is taken over within ten seconds")
@pytest.mark.whole("a process is blocked")
async def test_a_blocked_call_is_taken_over_within_ten_seconds(scene: Scene) -> None:
    asked: list[float] = []

    async def stops_it(line: Line) -> None:
        await line.heard("the heavy machine")
        await line.say("Stand still.")
        asked.append(time.time())
        await line.heard(WORDS, 30)
        await line.hang_up()

    call = await scene.ring("heavy", stops_it)
    record = await scene.over(call, 60)
    back = answer_of(call) + heard_once(call, BACK).start
    assert back - asked[0] < 10
    assert (record.outcome, record.taken_over) == (Outcome.COMPLETED, 1)
    assert "Stand still." in [line.text for line in record.transcript]


@pytest.mark.both_generations
async def test_a_placed_call_is_taken_over_and_its_caller_is_told_how_it_went(scene: Scene) -> None:
    async def hears(line: Line) -> None:
        await line.say("Hello?")
        await line.heard(WORDS, 40)
        await line.hang_up()

    number = "+15552227002"
    scene.exchange.connect(number, Telephone(script=hears))
    placing = asyncio.create_task(scene.place("talks", number))
    call = await scene.exchange.call_to(number)
    await call.answered()
    await call.pulse.until(
        lambda: _words_in_checkpoint(scene, call) >= 2, 30, "a checkpoint with the greeting"
    )
    kill_its_process(scene, call.room)
    placed = await asyncio.wait_for(placing, 60)
    record = await scene.over(call)
    assert (placed.outcome, record.outcome) == (Outcome.COMPLETED, Outcome.COMPLETED)
    assert (record.direction, record.number, record.taken_over) == ("outbound", number, 1)
    assert len(scene.exchange.ledger.of("INVITE", number=number)) == 1


@pytest.mark.both_generations
async def test_a_placed_call_that_still_rings_rings_no_longer(scene: Scene) -> None:
    number = "+15552227001"
    scene.exchange.connect(number, NoAnswer())
    placing = asyncio.create_task(scene.place("talks", number))
    call = await scene.exchange.call_to(number)
    await call.rings()
    await call.pulse.until(lambda: checkpoints_of(scene, call.room), 10, "a checkpoint")
    killed = kill_its_process(scene, call.room)
    record = await scene.over(call)
    placed = await asyncio.wait_for(placing, 20)
    assert end_of(call) - killed < 5
    assert (record.outcome, placed.outcome) == (Outcome.FAILED, Outcome.FAILED)
    assert len(scene.exchange.ledger.of("INVITE", number=number)) == 1


@pytest.mark.both_generations
async def test_two_people_who_were_connected_notice_nothing(scene: Scene) -> None:
    async def talks_on(line: Line) -> None:
        await line.wait(1.5)
        await line.say(BOB)
        await line.heard(ANN.rstrip("?."), limit=60)
        await line.hang_up()

    scene.world.agents.add(BOB)
    scene.exchange.connect(SALES, colleague(presses_one_at_once, Telephone(script=talks_on)))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks_for("sales"))
    connected = await scene.exchange.call_to(SALES, timeout=60, nth=2)
    await connected.pulse.until(
        lambda: _checkpoint(scene, call).get("state", {}).get("colleague"), 40, "a checkpoint of it"
    )
    kill_its_process(scene, call.room)
    await connected.pulse.until(
        lambda: _checkpoint(scene, call)["state"]["taken_over"] == 1, 10, "it"
    )
    await asyncio.sleep(6)  # nobody is hung up, which has no event
    assert not call.over.done()
    assert not connected.over.done()
    await connected.hang_up()
    record = await nothing_left(scene, call)
    for each in (call, connected):
        not_heard(each, BACK)
    assert BACK not in [line.text for line in record.transcript]
    assert (record.outcome, record.ended_by, record.taken_over) == ("transferred", "colleague", 1)


@pytest.mark.promise("Calls of a killed host are hung up and recorded")
@pytest.mark.whole("a host is killed")
async def test_calls_whose_parent_is_killed_end_at_once_and_are_recorded(tmp_path: Path) -> None:
    async with a_scene(tmp_path, "now") as scene:
        calls = [await scene.ring("desk", waits) for _ in range(2)]
        for call in calls:
            await call.pulse.until(partial(_heard, call, "can i do"), 30, "a greeting")
        scene.exchange.connect("+15552227003", NoAnswer())
        placing = asyncio.create_task(scene.place("talks", "+15552227003"))
        ringing = await scene.exchange.call_to("+15552227003")
        await ringing.rings()
        killed = time.time()
        os.kill(scene.host.pid, signal.SIGKILL)
        for call in (*calls, ringing):
            record = await scene.over(call)
            assert end_of(call) - killed < 5
            assert (record.outcome, record.reason) == (Outcome.FAILED, "the host process died")
        await asyncio.wait_for(placing, 20)


@pytest.mark.whole("a host is killed")
async def test_a_new_start_finishes_what_a_dead_host_has_left(tmp_path: Path) -> None:
    async with a_scene(tmp_path, "now") as scene:
        call = await scene.ring("desk", waits)
        await call.pulse.until(lambda: _heard(call, "can i do"), 30, "a greeting")
        parent = psutil.Process(scene.host.pid)
        for process in (parent, *parent.children(recursive=True)):
            process.kill()  # the machine itself has gone down
        assert not call.over.done()
        async with HostProcess(scene.environment, tmp_path / "again.log", cwd=tmp_path):
            record = await scene.over(call)
        assert (record.outcome, record.reason) == (Outcome.FAILED, "the call's process died")


def _checkpoint(scene: Scene, call: PhoneCall) -> dict[str, Any]:
    (checkpoint,) = checkpoints_of(scene, call.room)
    return checkpoint


def _words_in_checkpoint(scene: Scene, call: PhoneCall) -> int:
    checkpoints = checkpoints_of(scene, call.room)
    return len(checkpoints[0]["state"]["transcript"]) if checkpoints else 0


def _heard(call: PhoneCall, word: str) -> bool:
    return any(word in hearing.text.lower() for hearing in call.heard)
