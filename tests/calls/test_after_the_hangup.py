"""The room goes with the caller; the record has what they said last."""

from __future__ import annotations

import asyncio

import pytest

from host.local.phone import Line, PhoneCall
from host.records.outcome import Outcome
from host.testing import Scene, heard_once

SOON = 0.5
"""Seconds after the caller has left in which the persona and the room must be gone."""

pytestmark = pytest.mark.memory("on a busy machine, processes take longer than this")


async def gone(scene: Scene, call: PhoneCall) -> None:
    """Wait for a caller to go, and so long for their room."""
    await asyncio.wait_for(asyncio.shield(call.over), 60)
    await scene.no_room(call.room, SOON)


async def test_the_room_of_a_caller_who_says_nothing_more_goes_with_them(scene: Scene) -> None:
    async def listens(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.wait(2)
        await line.hang_up()

    call = await scene.ring("desk", listens)
    await gone(scene, call)
    record = await scene.record(call.room)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")


async def test_what_is_said_last_is_recorded_though_the_room_is_gone(scene: Scene) -> None:
    async def goes_with_a_word(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("Never mind, I have to go.")
        await line.hang_up()

    call = await scene.ring("desk", goes_with_a_word)
    await gone(scene, call)
    record = await scene.record(call.room)
    assert [said.text for said in record.transcript if said.who == "caller"] == [
        "Never mind, I have to go."
    ]


async def test_whoever_comes_back_into_their_room_at_once_is_answered(scene: Scene) -> None:
    async def listens(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.hang_up()

    first = await scene.exchange.browse("desk-once-more", script=listens)
    await gone(scene, first)
    second = await scene.exchange.browse("desk-once-more", script=listens)
    await asyncio.wait_for(asyncio.shield(second.over), 60)
    for call in (first, second):
        heard_once(call, "This is the desk. What can I do for you?")
