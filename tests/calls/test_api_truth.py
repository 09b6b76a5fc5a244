"""What the API tells of a call is what its record says, whatever breaks meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest
from api_in_memory import have_no_processes, over, the_api
from in_memory.world import MemoryScene, world
from people import goes, says_hello_and_goes, talks
from scene import a_number

from host.local.phone import Busy, Fails, NoAnswer, Telephone
from host.local.records import records_of
from host.records.outcome import Outcome
from host.server.api.placing import Placing
from host.server.api.schemas import AskedCall, WantedCall
from host.testing import Scene

pytestmark = pytest.mark.memory("hundreds of calls, at moments that no whole call would hit")

CALLS = 10
"""Calls of one test, at the same time."""
SEEDS = 50
AT_ONCE, LINES = 25, 2
"""Calls that are asked for at the same time, of a host that takes so many."""
FULL = 40
"""Tests with so many calls."""
GREETING = "this is a test call"
Faults = random.Random


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    have_no_processes(monkeypatch)


def somebody(dice: Faults) -> object:
    """Whoever, or whatever, a call is placed to."""
    return dice.choice(
        [
            Busy(),
            NoAnswer(),
            Fails(dice.choice([403, 404, 480, 500, 503, 603])),
            Telephone(script=goes(GREETING)),
            Telephone(script=says_hello_and_goes),
            Telephone(script=talks(GREETING, "Thank you and goodbye."), answer_after=3.0),
        ]
    )


def somebodys_number(scene: Scene, dice: Faults) -> str:
    """Connect somebody, or something, and return its number."""
    return a_number(scene, somebody(dice))  # type: ignore[arg-type]


async def asked_for(placing: Placing, number: str, dice: Faults) -> AskedCall:
    """Ask for a call, at some moment."""
    await asyncio.sleep(dice.uniform(0, 5))
    key = f"order-{number}" if dice.random() < 0.3 else None
    wanted = WantedCall(
        persona="leaves", number=number, details={"name": "Ann"}, idempotency_key=key
    )
    return await placing.ask(wanted)


async def kill_one(scene: MemoryScene, call: AskedCall, dice: Faults) -> None:
    """Kill the process of a call at some moment, if it has one, and is not about to end.

    What is killed in memory goes on with what it does at its end, unlike a process.
    """
    await asyncio.sleep(dice.uniform(0, 12))
    with contextlib.suppress(KeyError):  # no process has it
        if not scene.memory.call_in(call.room).over:
            scene.memory.kill(call.room)


async def refuse_for_a_while(scene: MemoryScene, dice: Faults) -> None:
    """Have the host take no calls for some seconds."""
    await asyncio.sleep(dice.uniform(0, 6))
    scene.memory.heartbeats.closed = True
    await asyncio.sleep(dice.uniform(0, 15))
    scene.memory.heartbeats.closed = False


async def livekit_is_away_for_a_while(dice: Faults) -> None:
    """Let no request to LiveKit through for some seconds."""
    livekit = world().api
    await asyncio.sleep(dice.uniform(0, 10))
    livekit.away = True
    await asyncio.sleep(dice.uniform(0, 10))
    livekit.away = False


@pytest.mark.corpus(one_of=10)
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_the_api_and_the_record_agree_in_the_end(scene: Scene, seed: int) -> None:
    assert isinstance(scene, MemoryScene)
    dice = random.Random(seed)
    async with asyncio.TaskGroup() as meanwhile:
        if seed % 2:
            meanwhile.create_task(refuse_for_a_while(scene, dice))
        if seed % 5 < 3:
            meanwhile.create_task(livekit_is_away_for_a_while(dice))
        async with the_api(scene) as placing:
            calls = await asyncio.gather(
                *(asked_for(placing, somebodys_number(scene, dice), dice) for _ in range(CALLS))
            )
            for call in calls:
                if dice.random() < 0.4:
                    meanwhile.create_task(kill_one(scene, call, dice))
            await asyncio.sleep(dice.uniform(0, 20))
            if seed % 3:
                for call in calls:
                    await over(placing, call.id)
        async with the_api(scene) as placing:  # as after a restart
            for call in calls:
                await over(placing, call.id)
            for call in calls:
                records = await records_of(scene.folder / "calls.jsonl", call.room, 20)
                assert len(records) == 1, [(one.id, one.outcome, one.reason) for one in records]
                (record,) = records
                told = await placing.read(call.id)
                assert told
                assert (told.outcome, told.retryable) == (record.outcome, record.retryable), call


@pytest.mark.corpus(one_of=20)
@pytest.mark.parametrize("seed", range(FULL))
async def test_nobody_is_dialled_after_their_call_is_told_as_over(scene: Scene, seed: int) -> None:
    assert isinstance(scene, MemoryScene)
    dice = random.Random(seed)
    admission = scene.memory._admission
    admission.settings = scene.settings.model_copy(update={"max_calls": LINES})
    scene.memory.starts_in = lambda: dice.choice([0.1, dice.uniform(5, 15)])  # on a loaded machine

    def dialled(number: str) -> int:
        return len(scene.exchange.ledger.of("INVITE", number=number))

    async def until_over(placing: Placing) -> tuple[str, AskedCall, int]:
        number = a_number(scene, dice.choice([NoAnswer(), Fails(503)]))
        call = await asked_for(placing, number, dice)
        return number, await over(placing, call.id), dialled(number)

    async with the_api(scene) as placing:
        calls = await asyncio.gather(*(until_over(placing) for _ in range(AT_ONCE)))
        await asyncio.sleep(60)
    assert [call for number, call, before in calls if dialled(number) != before] == []
    refused = [number for number, call, _ in calls if call.outcome is Outcome.REFUSED]
    assert [number for number in refused if dialled(number)] == []
    assert refused


def test_there_are_as_many_calls_as_promised() -> None:
    assert SEEDS * CALLS >= 500
    assert FULL * AT_ONCE >= 1000
