"""Personas that never come back from a hook: their own call ends, and no other notices."""

from __future__ import annotations

import asyncio
import time

import pytest
from scene import answer_of, events

from host.local.phone import Line
from host.local.records import records_of
from host.records.outcome import Outcome
from host.testing import Scene, heard_once

BACK = "I am sorry, we were cut off for a moment. I am here again, please go on."


async def hears_it_out(line: Line) -> None:
    await line.silence_for(1.5, limit=30)
    await line.hang_up()


async def waits_for_another(line: Line) -> None:
    await line.heard("please go on", 30)
    await line.hang_up()


@pytest.mark.whole("a process is blocked")
@pytest.mark.alone  # it takes all of a processor
async def test_a_greeting_that_never_comes_is_passed_over_by_another_process(scene: Scene) -> None:
    async def listens(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("Tell me a long story.")
        await line.heard("ask them anything", 60)
        await line.hang_up()

    other = await scene.ring("desk", listens)
    await other.answered()
    rung = time.time()
    call = await scene.ring("frozen", waits_for_another)
    record = await scene.over(call)
    assert answer_of(call) + heard_once(call, BACK).start - rung < 15
    assert (record.outcome, record.taken_over) == (Outcome.COMPLETED, 1)
    assert (await scene.over(other)).outcome is Outcome.COMPLETED
    heard_once(other, "This is the desk. What can I do for you?")


@pytest.mark.whole("a process is blocked")
@pytest.mark.alone  # it takes all of a processor
async def test_an_end_that_never_comes_leaves_one_record(scene: Scene) -> None:
    call = await scene.ring("endless", hears_it_out)
    await call.ended()
    await scene.no_room(call.room)
    record = await scene.record(call.room, limit=60)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")
    heard_once(call, "I never come to an end.")
    file = scene.folder / "state" / "unfinished" / f"{record.id}.json"
    async with asyncio.timeout(60):
        while file.exists():
            await asyncio.sleep(0.1)  # a file has no event
    assert len(await records_of(scene.folder / "calls.jsonl", call.room, 1)) == 1


async def test_events_that_never_return_are_passed_over(scene: Scene) -> None:
    call = await scene.ring("waiting", hears_it_out)
    record = await scene.over(call)
    assert record.outcome is Outcome.COMPLETED
    heard_once(call, "I wait for what never comes.")
    assert [fact for event, fact in events(scene, call.room) if event == "ended"] == ["completed"]
