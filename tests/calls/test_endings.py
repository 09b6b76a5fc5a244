"""Every ending gives one record that says so, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from endings import Row
from endings_2025 import BY_2025
from endings_dialled import ANSWERED, BY_SIP_STATUS, UNANSWERED
from endings_rung import FRAGILE, TAKEN, UNTAKEN
from scene import events
from ways import Dispatches, Seen

from host.local.records import records_of
from host.outcome import Outcome
from host.record import CallRecord
from host.testing import Scene, heard

OUR_TIME = 5.0
"""Seconds after the end of a call in which its room and its telephones must be gone."""
GREETINGS = {
    "desk": "This is the desk. What can I do for you?",
    "ends": "Good day, how are you this morning?",
    "fragile": "Good day, I hope that nothing breaks.",
    "leaves": "Good morning Ann, this is a test call.",
    "patient": "At last you are there.",
    "realtime": "I hear and speak by myself.",
    "slow": "Sorry to keep you waiting.",
    "timed": "Good evening, we have very little time.",
    "unplugged": "Good day, who has pulled the plug?",
}


one_at_a_time = pytest.mark.xdist_group("endings")
"""On one worker: their calls are several at a time already."""


def groups(rows: Sequence[Row], size: int) -> pytest.MarkDecorator:
    """About so many rows at a time: a call is mostly waiting."""
    count = round(len(rows) / size)
    edges = [len(rows) * at // count for at in range(count + 1)]
    some = [rows[first:last] for first, last in pairwise(edges)]
    return pytest.mark.parametrize(
        "rows", some, ids=[", ".join(row.name for row in each) for each in some]
    )


@one_at_a_time
@groups(BY_SIP_STATUS, 4)
async def test_a_dial_ends_as_its_sip_status_says(scene: Scene, rows: Sequence[Row]) -> None:
    await all_end_as_they_should(scene, rows)


@one_at_a_time
@groups(UNANSWERED, 4)
async def test_a_dial_that_nobody_answers_is_named(scene: Scene, rows: Sequence[Row]) -> None:
    await all_end_as_they_should(scene, rows)


@one_at_a_time
@groups(ANSWERED, 2)
async def test_a_dial_that_is_answered_ends_once(scene: Scene, rows: Sequence[Row]) -> None:
    await all_end_as_they_should(scene, rows)


@one_at_a_time
@groups(UNTAKEN, 4)
async def test_a_caller_who_is_not_answered_leaves_nothing(
    scene: Scene, rows: Sequence[Row]
) -> None:
    await all_end_as_they_should(scene, rows)


@one_at_a_time
@groups(FRAGILE, 3)
async def test_what_breaks_ends_its_own_call(scene: Scene, rows: Sequence[Row]) -> None:
    await all_end_as_they_should(scene, rows)


@one_at_a_time
@groups(TAKEN, 2)
async def test_a_conversation_ends_once(scene: Scene, rows: Sequence[Row]) -> None:
    await all_end_as_they_should(scene, rows)


@groups(BY_2025, 3)
async def test_an_ending_of_2025_is_named_alike(scene_of_2025: Scene, rows: Sequence[Row]) -> None:
    await all_end_as_they_should(scene_of_2025, rows)


@pytest.mark.alone
@one_at_a_time
async def test_calls_that_come_at_the_same_moment_are_all_taken(scene: Scene) -> None:
    many = [Dispatches("", "not json") for _ in range(8)]
    seen = await asyncio.gather(*(each.make(scene) for each in many))
    records = await asyncio.gather(*(scene.record(each.room) for each in seen))
    assert {record.outcome for record in records} == {Outcome.REFUSED}


async def all_end_as_they_should(scene: Scene, rows: Sequence[Row]) -> None:
    """Play rows at the same time; each that fails is named."""
    failures: list[Exception] = []
    played: list[tuple[Row, Seen]] = []

    @contextlib.contextmanager
    def named(row: Row) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            error.add_note(f"in the row {row.name!r}")
            failures.append(error)

    async def play(row: Row) -> None:
        with named(row):
            played.append((row, await ends_as_it_should(scene, row)))

    await asyncio.gather(*map(play, rows))
    # To look for words takes half a second, in which nobody who shares the loop can speak.
    for row, seen in played:
        with named(row):
            await its_words_were_heard(row, seen)
    if failures:
        raise ExceptionGroup("rows of the table", failures)


async def ends_as_it_should(scene: Scene, row: Row) -> Seen:
    """Play one row, and give what was seen of it."""
    seen = await row.way.make(scene)
    if seen.call:
        await asyncio.wait_for(asyncio.shield(seen.call.over), 60)
        await scene.no_room(seen.room, OUR_TIME)
    record = await scene.record(seen.room, limit=30)
    await scene.no_room(seen.room, OUR_TIME)
    told = (record.outcome, record.ended_by, record.sip_status, record.retryable)
    assert told == (row.outcome, row.by, row.sip_status, row.again), record
    assert (record.answered_at is not None) == row.answered
    assert record.reason[0].isupper() or record.reason.startswith(f"{record.persona} ")
    assert record.reason.endswith((".", ")"))
    if seen.placed:
        assert (seen.placed.outcome, seen.placed.sip_status) == (row.outcome, row.sip_status)
        assert (seen.placed.reason, seen.placed.retryable) == (record.reason, row.again)
    await nothing_is_left(scene, row, seen, record)
    return seen


async def nothing_is_left(scene: Scene, row: Row, seen: Seen, record: CallRecord) -> None:
    """No telephone in the room, one INVITE, one record, and `call_ended` was told once."""
    legs = [call for call in scene.exchange.calls if call.room == seen.room]
    assert all(leg.over.done() for leg in legs)
    if seen.dialled:
        assert len(scene.exchange.ledger.of("INVITE", number=seen.dialled)) == row.invites
    ended = [fact for event, fact in events(scene, seen.room) if event == "ended"]
    assert ended == [record.outcome]
    assert len(await records_of(scene.folder / "calls.jsonl", seen.room, 1)) == 1


async def its_words_were_heard(row: Row, seen: Seen) -> None:
    """The greeting as often as the row says; what the row names besides, once.

    Whether it was whole is for the tests that have the machine to themselves: with so many calls at
    a time, some sound is lost.
    """
    call = seen.call
    if call is None:
        return
    await call.ended()
    assert (call.answered_at is not None) == row.answered
    if call.answered_at is None:
        return
    if row.hears:
        assert len(heard(call, row.hears)) == 1
    if greeting := GREETINGS.get(row.way.persona):
        times = len(heard(call, greeting))
        assert times <= 1 if row.greeted is None else times == row.greeted
