"""Tests that load the machine on purpose have it to themselves: others judge sound meanwhile."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BufferedWriter
from pathlib import Path

LIMIT = 600.0
"""Seconds that a test may wait for its turn: longer than any other takes."""


@asynccontextmanager
async def turn(folder: Path, *, alone: bool) -> AsyncIterator[None]:
    """Wait until nobody of this folder is `alone`, or until everybody else is done.

    Whoever waits at the door is first: others can't slip by for ever. Raises TimeoutError.
    """
    with (folder / "door").open("wb") as door, (folder / "inside").open("wb") as inside:
        async with asyncio.timeout(LIMIT):
            await _lock(door, fcntl.LOCK_EX)
            await _lock(inside, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield


async def _lock(file: BufferedWriter, how: int) -> None:
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(0.05)  # a lock has no event, and the loop must turn
        else:
            return
