"""What befalls a call from inside its own process: the same code for both arms.

It leaves notes in the folder FAULTS_FOLDER: which process has the call, and when it was struck.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
from livekit import rtc

RATE = 24_000
FRAME = 0.05
"""Seconds of one frame of the hum."""
AHEAD = 1.0
"""Seconds by which the hum is made before it is due, as a voice's sound comes before it is due."""
LEAK = 100 * 1024**2
"""Bytes that the leak takes each time."""
LEAK_ENDS = 16
"""How often it takes them: a machine that others use too is not to run dry."""


def note(room: str, what: str, text: str) -> None:
    """Leave a note about a room's call; whoever looks finds all of it or none."""
    file = Path(os.environ["FAULTS_FOLDER"], f"{room}.{what}")
    half = file.with_suffix(".part")
    half.write_text(text)
    half.rename(file)


def taken(room: str) -> None:
    """Tell which process has the call."""
    note(room, "pid", str(os.getpid()))


async def befall(room: str, what: str) -> str:
    """Note the time, and let the trouble happen."""
    note(room, "struck", repr(time.time()))
    if what == "leak":
        await _leak()
    elif what in TROUBLES:
        TROUBLES[what]()
    return "done"


def fail() -> None:
    """Raise what nobody expects."""
    raise RuntimeError("this is the fault that the benchmark tries")


def sleep() -> None:
    """Block the event loop, as a library that waits for a server does."""
    time.sleep(3600)


def spin() -> None:
    """Block the event loop and use all of a core."""
    while True:
        pass


def backtrack() -> None:
    """Hold the interpreter's lock in C: no other thread of the process runs, either."""
    re.match(r"(a+)+$", "a" * 64 + "b")


async def _leak() -> None:
    kept = []
    for _ in range(LEAK_ENDS):
        kept.append(np.ones(LEAK, np.uint8))
        await asyncio.sleep(0.2)
    _leaked.append(kept)


_leaked: list[object] = []

TROUBLES: dict[str, Callable[[], None]] = {
    "fail": fail,
    "sleep": sleep,
    "spin": spin,
    "backtrack": backtrack,
}


async def hum() -> AsyncIterator[rtc.AudioFrame]:
    """A sound without a pause, for as long as the call lives: two tones, a fifth apart."""
    size = round(RATE * FRAME)
    begun, at = time.monotonic(), 0
    while True:
        seconds = (np.arange(size) + at * size) / RATE
        wave = np.sin(2 * np.pi * 440 * seconds) + np.sin(2 * np.pi * 660 * seconds)
        yield rtc.AudioFrame((wave * 4000).astype(np.int16).tobytes(), RATE, 1, size)
        at += 1
        await asyncio.sleep(max(0.0, at * FRAME - AHEAD - (time.monotonic() - begun)))
