"""Callers who give up before the persona has answered: one record each, soon, and truthful."""

from __future__ import annotations

import json
import time

import pytest
from people import goes
from scene import a_number, answer_of

from host.local.world import CALLER
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.testing import Scene

SOON = 1.0
"""Seconds after the room is empty in which the call must be over; and as much to be noticed."""


async def rings_and_gives_up(scene: Scene, patience: float, persona: str = "desk") -> CallRecord:
    """Ring a persona and give up; the call's record, which comes within seconds."""
    number = a_number(scene)
    await scene.exchange.route(number, metadata=json.dumps({"persona": persona}))
    call = await scene.exchange.ring(CALLER, number, patience=patience)
    await call.ended()
    left = time.time()  # LiveKit SIP of now stays for 2 s if it was joining when the caller gave up
    record = await scene.record(call.room, limit=5)
    assert record.ended_at.timestamp() < left + 2 * SOON
    await scene.no_room(call.room)
    return record


@pytest.mark.sample("0.14", "0.4")
@pytest.mark.parametrize("patience", [0.02, 0.1, 0.14, 0.18, 0.25, 0.4])
async def test_whoever_gives_up_early_has_abandoned_the_call(
    either_scene: Scene, patience: float
) -> None:
    record = await rings_and_gives_up(either_scene, patience)
    told = (record.outcome, record.ended_by, record.reason)
    assert told == (
        Outcome.ABANDONED,
        "far end",
        "the caller hung up before the persona spoke",
    )
    assert (record.persona, record.direction, record.number) == ("desk", "inbound", CALLER)
    assert record.error is None
    assert (record.answered_at, record.duration) == (None, 0)


@pytest.mark.both_generations
async def test_callers_who_give_up_do_not_use_up_the_calls_of_a_day(scene: Scene) -> None:
    for patience in (0.1, 0.15, 0.25, 0.35):  # it has one call a day
        record = await rings_and_gives_up(scene, patience, "scarce")
        assert (record.outcome, record.persona) == (Outcome.ABANDONED, "scarce")
    call = await scene.ring("scarce", goes("one call a day"))
    assert (await scene.over(call)).outcome is Outcome.COMPLETED


async def test_a_caller_s_ringing_is_recorded_as_they_heard_it(scene: Scene) -> None:
    number = a_number(scene)
    await scene.exchange.route(number, metadata=json.dumps({"persona": "slow"}))
    call = await scene.exchange.ring(CALLER, number, goes("keep you waiting"))
    record = await scene.over(call)
    assert record.ring_time is not None
    assert abs(record.ring_time - (answer_of(call) - call.started_at)) < 0.25
