"""Whole calls take turns: as many at a time as the machine carries without harm to their sound.

So do worlds that start, each of which takes a processor for ten seconds.

Tests that load the machine on purpose have it to themselves: others judge sound meanwhile.
"""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from io import BufferedWriter
from pathlib import Path

AT_ONCE = 2
"""Whole calls at a time. With three, one in some hundreds was not understood on two cores."""

places: Path | None = None
"""The folder of the session, in which all workers meet; None outside of one."""
_taken = 0
"""How many turns this process has."""

LIMIT = 600.0
"""Seconds that a test may wait for its turn: longer than any other takes."""


@asynccontextmanager
async def turn(folder: Path, *, alone: bool) -> AsyncIterator[None]:
    """Wait until there is a place among the tests of this folder, or until all places are free.

    Whoever waits at the door is first: others can't slip by for ever. Raises TimeoutError.
    """
    with ExitStack() as files:
        door, *places = (
            files.enter_context((folder / name).open("wb"))
            for name in ("door", *(f"place-{at}" for at in range(AT_ONCE)))
        )
        async with asyncio.timeout(LIMIT):
            await _lock([door])
            if alone:
                for place in places:
                    await _lock([place])
            else:
                await _lock(places)
        fcntl.flock(door, fcntl.LOCK_UN)
        global _taken
        _taken += 1
        try:
            yield
        finally:
            _taken -= 1


@asynccontextmanager
async def while_a_world_starts() -> AsyncIterator[None]:
    """Take a turn for starting a world, unless this is done by a test which has one already."""
    if _taken or places is None:
        yield
        return
    async with turn(places, alone=False):
        yield


async def _lock(files: Sequence[BufferedWriter]) -> None:
    """Lock one of these files, whichever is free first; closing it sets it free."""
    while True:
        for file in files:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            return
        await asyncio.sleep(0.05)  # a lock has no event, and the loop must turn
