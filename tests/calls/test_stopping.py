"""Calls of a host that is being stopped, in memory: test_deploys.py stops hosts of its own."""

from __future__ import annotations

import asyncio

import pytest
from in_memory.world import MemoryScene
from scene import length_of, on_its_way
from transfers import SALES, asks_for, colleague, nothing_left, presses_one_at_once

from host.local.phone import Line, NoAnswer
from host.records.outcome import Outcome
from host.settings import Words
from host.testing import heard_once, not_heard

pytestmark = pytest.mark.memory("whole hosts are stopped in test_deploys.py")

WORDS = Words()
STOPPED = "the host was stopped"


@pytest.mark.both_generations
async def test_whoever_talks_hears_a_goodbye_to_its_end(scene: MemoryScene) -> None:
    host = scene.memory
    asked = asyncio.Event()

    async def listens(line: Line) -> None:
        await line.heard("what can I do for you")
        asked.set()
        await line.stay()

    call = await scene.ring("desk", listens)
    await asyncio.wait_for(asked.wait(), 30)
    host.goodbye()
    record = await scene.over(call)
    assert length_of(call) > heard_once(call, WORDS.stopped).end + on_its_way(scene)
    assert (record.outcome, record.ended_by, record.reason) == (Outcome.FAILED, "host", STOPPED)
    assert record.retryable


@pytest.mark.both_generations
async def test_whoever_is_rung_is_hung_up_at_once(scene: MemoryScene) -> None:
    host = scene.memory
    number = "+15552228001"
    scene.exchange.connect(number, NoAnswer())
    placing = asyncio.create_task(scene.place("talks", number))
    call = await scene.exchange.call_to(number)
    await call.rings()
    stopped = asyncio.get_running_loop().time()
    host.goodbye()
    record = await scene.over(call)
    assert asyncio.get_running_loop().time() - stopped < 3
    assert (record.outcome, record.ended_by, record.reason) == (Outcome.FAILED, "host", STOPPED)
    assert (await placing).reason == STOPPED


@pytest.mark.both_generations
async def test_two_people_who_were_connected_hear_no_goodbye(scene: MemoryScene) -> None:
    host = scene.memory
    scene.exchange.connect(SALES, colleague(presses_one_at_once))
    call = await scene.ring("switchboard", asks_for("sales"))
    connected = await scene.exchange.call_to(SALES, timeout=60, nth=2)
    words = "at your service"
    await call.pulse.until(lambda: words in str(call.heard), 60, "the colleague's voice")
    host.goodbye()
    record = await nothing_left(scene, call)
    for each in (call, connected):
        not_heard(each, WORDS.stopped)
    assert record.ended_by == "host"
