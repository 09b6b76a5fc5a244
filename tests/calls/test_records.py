"""The records of whole calls: in the log and in the database, and what they say."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
from scene import host_calls, in_order, logged
from stored import stored

from host.local.phone import Busy, Line, Telephone
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.testing import Scene


async def asks(line: Line) -> None:
    await line.heard("what can I do for you")
    await line.say("What day is it?")
    await line.heard("today is monday")
    await line.press("4")
    await line.say("Thank you and goodbye.")
    await line.stay()


async def says_hello(line: Line) -> None:
    await line.say("Hello?")
    await line.heard("this is a test call")
    await line.say("What day is it?")
    await line.heard("today is monday")
    await line.hang_up()


async def in_database(scene: Scene, record: CallRecord, limit: float = 10.0) -> CallRecord:
    """Wait until the database has a call; it is written beside the log."""
    async with asyncio.timeout(limit):
        while not (found := stored(scene.folder / "calls.db", record.id)):
            await asyncio.sleep(0.05)  # another process writes it: there is no event
    return found


def used(record: CallRecord) -> dict[str, float]:
    """The kinds of models that were used, and the sum of each one's amounts."""
    assert all(usage.provider and usage.model for usage in record.usage)
    return {usage.kind: sum(usage.amounts.values()) for usage in record.usage}


@pytest.mark.promise("Each call has one record, in the log and in the database")
async def test_a_call_that_came_in_is_recorded_with_all_that_happened(scene: Scene) -> None:
    call = await scene.ring("desk", asks)
    record = await scene.over(call)
    in_order(record)
    assert [tool.name for tool in record.tools] == ["end_call"]
    assert [(key.who, key.digit) for key in record.keys] == [("caller", "4")]
    assert {kind for kind, amount in used(record).items() if amount > 0} >= {"stt", "llm", "tts"}
    assert await in_database(scene, record) == record
    shown = await asyncio.to_thread(host_calls, scene, "show", record.id[:10])
    for text in ("What day is it?", "Today is Monday.", "presses 4", "end_call()"):
        assert text in shown


async def test_a_call_that_was_placed_is_recorded_with_all_that_happened(scene: Scene) -> None:
    placed, _, record = await scene.place_to(
        Telephone(answer_after=1.0, script=says_hello), "leaves", name="Ann"
    )
    in_order(record)
    assert record.ring_time is not None
    assert record.ring_time >= 0.9
    assert record.voicemail == "human"
    assert {kind for kind, amount in used(record).items() if amount > 0} >= {"stt", "llm", "tts"}
    assert await in_database(scene, record) == record
    shown = await asyncio.to_thread(host_calls, scene, "show", placed.room, "--json")
    assert CallRecord.model_validate_json(shown) == record


@pytest.mark.both_generations
async def test_a_call_that_nobody_answered_is_recorded_too(scene: Scene) -> None:
    _, call, record = await scene.place_to(Busy(), "talks")
    assert (record.outcome, record.answered_at, record.duration) == (Outcome.BUSY, None, 0)
    assert await in_database(scene, record) == record
    listed = await asyncio.to_thread(host_calls, scene, "list", "--number", call.number)
    (_, line) = listed.splitlines()
    assert line.startswith(record.id[:8])
    assert "busy" in line


@pytest.mark.corpus  # SQLite waits by the clock of the wall
async def test_a_call_whose_database_is_locked_is_in_the_log(scene: Scene) -> None:
    with closing(sqlite3.connect(scene.folder / "calls.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        _, _, record = await scene.place_to(Busy(), "talks")
        await logged(scene, f"call {record.id} is not in")
        assert stored(scene.folder / "calls.db", record.id) is None
    assert record.outcome is Outcome.BUSY
