"""Callers without a telephone, automatic dispatch, and more callers than there are lines."""

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from scene import a_scene

from host.local.phone import Busy, Line
from host.outcome import Outcome
from host.testing import Scene, heard_once

CALLER, DESK = "+15557770001", "+15550001101"
with socket.socket() as trial:
    trial.bind(("127.0.0.1", 0))
    HEALTH = trial.getsockname()[1]
GREETING = "This is the desk. What can I do for you?"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def one_line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A host without a name, which joins every new room, one call at a time."""
    folder = tmp_path_factory.mktemp("one-line")
    settings = {
        "HOST_MAX_CALLS": "1",
        "HOST_HEALTH_PORT": str(HEALTH),
        "HOST_TURN_DETECTION": "model",  # as it is where nobody sets it
    }
    async with a_scene(folder, "now", settings, agent_name="") as scene:
        yield scene


async def a_free_line() -> None:
    """Wait until the host has no call: the last one may still be writing its record."""
    async with asyncio.timeout(10), aiohttp.ClientSession() as web:
        while True:
            async with web.get(f"http://127.0.0.1:{HEALTH}/worker") as answer:
                if not (await answer.json()).get("active_jobs"):
                    return
            await asyncio.sleep(0.05)  # the host has no event for it


async def test_a_browser_gets_the_same_persona_and_the_same_end(scene: Scene) -> None:
    async def visitor(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.say("Thank you and goodbye.")
        await line.stay()

    call = await scene.exchange.browse("desk-from-the-web", script=visitor)
    record = await scene.over(call)
    heard_once(call, GREETING)
    heard_once(call, "Thank you very much for your call. Goodbye.")
    assert call.ended_by == "far end"
    assert (record.persona, record.outcome) == ("desk", Outcome.COMPLETED)
    assert record.number is None


async def test_a_browser_that_goes_away_ends_its_call(scene: Scene) -> None:
    async def visitor(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.hang_up()

    call = await scene.exchange.browse("desk-again", script=visitor)
    record = await scene.over(call)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")


async def test_a_host_without_a_name_answers_by_the_dialled_number(one_line: Scene) -> None:
    async def listens(line: Line) -> None:
        await line.silence_for(1.0)
        await line.hang_up()

    call = await one_line.exchange.ring(CALLER, DESK, listens)
    record = await one_line.over(call)
    heard_once(call, GREETING)
    assert record.persona == "desk"


async def test_a_host_without_a_name_places_calls_too(one_line: Scene) -> None:
    await a_free_line()
    number = "+15552229001"
    one_line.exchange.connect(number, Busy())
    placed = await one_line.place("skips", number)
    assert placed.outcome is Outcome.BUSY
    assert len(one_line.exchange.ledger.of("INVITE", number=number)) == 1


async def test_one_caller_too_many_hears_busy_at_once(one_line: Scene) -> None:
    await a_free_line()
    first = await one_line.exchange.ring(CALLER, DESK)
    await first.answered()
    second = await one_line.exchange.ring("+15557770002", DESK)
    await second.ended(5)
    assert second.sip_status == 486
    assert second.ended_at - second.started_at < 2
    await first.hang_up()
    record = await one_line.over(first)
    assert record.outcome is Outcome.COMPLETED
