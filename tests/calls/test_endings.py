"""Every ending gives one record that says so, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from endings import Row
from endings_2025 import BY_2025
from endings_dialled import ANSWERED, BY_SIP_STATUS, UNANSWERED
from endings_rung import FRAGILE, REALTIME, TAKEN, UNTAKEN
from scene import events
from ways import Dispatches, Seen

from host.local.records import records_of
from host.records.outcome import Outcome
from host.records.record import CallRecord
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


def rows(table: Sequence[Row]) -> pytest.MarkDecorator:
    """One test for each row of a table."""
    return pytest.mark.parametrize("row", table, ids=[row.name for row in table])


@pytest.mark.sample("SIP 404", "SIP 486", "SIP 503", "SIP 603")
@rows(BY_SIP_STATUS)
@pytest.mark.table(quick=3)
async def test_a_dial_ends_as_its_sip_status_says(scene: Scene, row: Row) -> None:
    await ends_as_it_should(scene, row)


@pytest.mark.sample(
    "no answer",
    "the room",
    "twice",
    "credentials",
    "by hand",
    "lost",
    "too busy",
    "does not exist",
    "the callee",
    "given up",
    "refuses",
)
@rows(UNANSWERED)
@pytest.mark.table(quick=3)
async def test_a_dial_that_nobody_answers_is_named(scene: Scene, row: Row) -> None:
    await ends_as_it_should(scene, row)


@pytest.mark.sample(
    "the callee goes at once", "the persona hangs up on the callee", "too busy", "raises", "skipped"
)
@rows(ANSWERED)
@pytest.mark.table(quick=3)
async def test_a_dial_that_is_answered_ends_once(scene: Scene, row: Row) -> None:
    await ends_as_it_should(scene, row)


@pytest.mark.sample("the caller gives up", "deleted", "refuses", "for nobody")
@rows(UNTAKEN)
async def test_a_caller_who_is_not_answered_leaves_nothing(scene: Scene, row: Row) -> None:
    await ends_as_it_should(scene, row)


@pytest.mark.sample("instructions", "call_ended", "no llm", "no stt")
@rows(FRAGILE)
@pytest.mark.table(quick=3)
async def test_what_breaks_ends_its_own_call(scene: Scene, row: Row) -> None:
    await ends_as_it_should(scene, row)


@pytest.mark.sample(
    "before a word",
    "in an answer",
    "a tool raises",
    "closes its session",
    "the model hangs up",
    "is lost",
    "is deleted",
    "is removed",
    "is dispatched",
    "in a transfer",
    "a visitor goes",
)
@rows(TAKEN)
@pytest.mark.table(quick=3)
async def test_a_conversation_ends_once(scene: Scene, row: Row) -> None:
    await ends_as_it_should(scene, row)


@pytest.mark.whole("a realtime model speaks over a websocket")
@rows(REALTIME)
async def test_a_conversation_with_a_realtime_model_ends_once(scene: Scene, row: Row) -> None:
    await ends_as_it_should(scene, row)


@pytest.mark.every
@pytest.mark.memory("those that differ in what LiveKit SIP tells play as whole calls, below")
@rows([*BY_SIP_STATUS, *UNANSWERED, *ANSWERED, *UNTAKEN, *TAKEN])
async def test_no_ending_depends_on_the_generation_of_livekit_sip(
    scene_of_2025: Scene, row: Row
) -> None:
    await ends_as_it_should(scene_of_2025, row)


@pytest.mark.sample(
    "SIP 404", "SIP 603", "no answer", "no response", "the telephone is lost", "transfer is refused"
)
@rows(BY_2025)
@pytest.mark.table(quick=3)
async def test_an_ending_of_2025_is_named_alike(scene_of_2025: Scene, row: Row) -> None:
    await ends_as_it_should(scene_of_2025, row)


@pytest.mark.alone
async def test_calls_that_come_at_the_same_moment_are_all_taken(scene: Scene) -> None:
    many = [Dispatches("", "not json") for _ in range(8)]
    seen = await asyncio.gather(*(each.make(scene) for each in many))
    records = await asyncio.gather(*(scene.record(each.room) for each in seen))
    assert {record.outcome for record in records} == {Outcome.REFUSED}


async def ends_as_it_should(scene: Scene, row: Row) -> None:
    """Play one row: one record that says how it ended, no room, no telephone, no word too many."""
    seen = await row.way.make(scene)
    if seen.call:
        await asyncio.wait_for(asyncio.shield(seen.call.over), 60)
        await scene.no_room(seen.room, OUR_TIME)
    record = await scene.record(seen.room, limit=30)
    await scene.no_room(seen.room, OUR_TIME)
    told = (record.outcome, record.ended_by, record.sip_status, record.retryable)
    assert told == (row.outcome, row.by, row.sip_status, row.again), record
    assert (record.answered_at is not None) == row.answered
    assert not record.reason[0].isupper() or record.reason.startswith("LiveKit ")
    assert not record.reason.endswith(".")
    if seen.placed:
        assert (seen.placed.outcome, seen.placed.sip_status) == (row.outcome, row.sip_status)
        assert (seen.placed.reason, seen.placed.retryable) == (record.reason, row.again)
    await nothing_is_left(scene, row, seen, record)
    await its_words_were_heard(row, seen)


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
    """The greeting as often as the row says; what the row names besides, once."""
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
