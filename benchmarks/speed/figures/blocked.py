"""One persona blocks its event loop: what callers of others hear meanwhile."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from speed import sound, words
from speed.bench import Bench
from speed.caller import Caller, NotServed
from speed.targets import Target

OTHERS = 2
"""Callers of another persona."""
HUM = 2.5
"""Seconds of sound without a gap, longer than any greeting, after which it is the hum."""
AFTER = 1.0
"""Seconds after the block in which it is still listened."""
LIMIT = 30.0
"""Seconds in which all of them must hear the hum."""


async def measure(bench: Bench, target: Target, at: int) -> None:
    """Have callers listen to a sound without a pause while a persona blocks. Raises NotServed."""
    async with AsyncExitStack() as up:
        joining = [_hearing(bench, target, does, up) for does in ("blocks", *["hums"] * OTHERS)]
        made = await asyncio.gather(*joining, return_exceptions=True)
        for failed in made:
            if isinstance(failed, BaseException):
                raise failed
        blocked, *others = [caller for caller in made if isinstance(caller, Caller)]
        begin = time.monotonic()
        await asyncio.sleep(words.BLOCKS_AFTER - HUM + words.BLOCKED + AFTER)
        end = time.monotonic()
        own = sound.longest_gap(blocked.recording(begin, end))
        gaps = [sound.longest_gap(each.recording(begin, end)) for each in others]
    if own < words.BLOCKED - 1:
        raise NotServed(f"the persona did not block: its own sound has a gap of {own:.1f} s")
    bench.results.add("blocked gap", target.name, 1000 * max(gaps), at=at)


async def _hearing(bench: Bench, target: Target, does: str, up: AsyncExitStack) -> Caller:
    caller = await up.enter_async_context(bench.caller(target, does))
    await caller.unbroken(HUM, LIMIT)
    return caller
