"""Many calls at once: the slowest first word, gaps in greetings, memory and processor time."""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import AsyncExitStack

from speed import sound, usage
from speed.bench import Bench
from speed.caller import Caller
from speed.targets import Target

LIMIT = 40.0
"""Seconds in which all callers must be greeted."""
CALM = 0.5
"""Seconds of silence that end a greeting or a reply."""
THINK = 3.0
"""Seconds from the end of a reply to the next question."""
LOOKS = 3
"""How often memory is looked at while they talk."""


async def measure(bench: Bench, target: Target, calls: int, idle: float, at: int) -> None:
    """Have so many callers dial at the same moment, then talk. `idle` is in MB."""
    async with AsyncExitStack() as up:
        callers = [bench.caller(target) for _ in range(calls)]
        # Where one fails to join, the others still have to leave.
        joining = [up.enter_async_context(caller) for caller in callers]
        for failed in await asyncio.gather(*joining, return_exceptions=True):
            if isinstance(failed, BaseException):
                raise failed
        heard = await asyncio.gather(*(caller.heard(limit=LIMIT) for caller in callers))
        await asyncio.gather(*(caller.silence(CALM) for caller in callers))
        waits = [word - caller.dialled_at for word, caller in zip(heard, callers, strict=True)]
        bench.results.add("burst", target.name, 1000 * max(waits), calls, at)
        gaps = [_gap(caller) for caller in callers]
        bench.results.add("burst gap", target.name, 1000 * max(gaps), calls, at)
        await _talk(bench, target, callers, idle, at)


def _gap(caller: Caller) -> float:
    """Return the seconds of the longest gap within the greeting."""
    return sound.longest_gap(caller.recording(caller.dialled_at, time.monotonic()), whole=False)


async def _talk(bench: Bench, target: Target, callers: list[Caller], idle: float, at: int) -> None:
    talking = [asyncio.create_task(_converse(bench, caller)) for caller in callers]
    calls, seconds = len(callers), bench.plan.talk
    try:
        begun, before = time.monotonic(), usage.cpu(target.pids)
        memory = []
        for _ in range(LOOKS):
            await asyncio.sleep(seconds / LOOKS)
            memory.append(await asyncio.to_thread(usage.memory, target.pids))
        took, used = time.monotonic() - begun, usage.cpu(target.pids) - before
        for task in talking:
            if task.done():
                task.result()  # a conversation that has stopped is no load
    finally:
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)
    each = (statistics.median(memory) - idle) / calls
    bench.results.add("call memory", target.name, each, calls, at)
    bench.results.add("call CPU", target.name, used / (calls * took / 60), calls, at)


async def _converse(bench: Bench, caller: Caller) -> None:
    """Ask, listen and think, again and again."""
    while True:
        end = await caller.say(bench.question)
        await caller.heard(end)
        await caller.silence(CALM)
        await asyncio.sleep(THINK)
