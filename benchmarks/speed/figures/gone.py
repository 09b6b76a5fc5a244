"""How long the agent and the room of a call stay when the caller has gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from speed.bench import Bench
from speed.caller import Caller, NotServed
from speed.targets import Target

EVERY = 0.02
"""Seconds between two looks at the rooms: LiveKit's API has no event for it."""
LISTENS = 1.5
"""Seconds that a caller stays."""


async def measure(bench: Bench, targets: Sequence[Target], at: int) -> None:
    """Have one call with each target, hang all of them up, and wait until no room is left."""
    async with AsyncExitStack() as up:
        calls: list[tuple[Target, Caller]] = []
        for target in targets:
            try:
                caller = await up.enter_async_context(bench.caller(target))
                await caller.heard()
            except NotServed as error:
                bench.results.miss("gone", target.name, str(error))
            else:
                calls.append((target, caller))
        await asyncio.sleep(LISTENS)
        left = {}
        for target, caller in calls:
            left[caller.room_name] = (target.name, await caller.leave())
        await _watch(bench, left, at)


async def _watch(bench: Bench, left: dict[str, tuple[str, float]], at: int) -> None:
    end = time.monotonic() + bench.plan.gone_limit
    while left and time.monotonic() < end:
        there, now = await bench.rooms(), time.monotonic()
        for room in [room for room in left if room not in there]:
            target, began = left.pop(room)
            bench.results.add("gone", target, now - began, at=at)
        await asyncio.sleep(EVERY)
    for target, _ in left.values():
        bench.results.miss("gone", target, f"longer than {bench.plan.gone_limit:g} s")
