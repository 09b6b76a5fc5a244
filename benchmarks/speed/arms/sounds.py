"""What personas of all targets do in a call besides talking: an unbroken sound, and blocking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import numpy as np
from livekit import rtc

from speed import words

RATE = 24_000
FRAME = 0.05
"""Seconds of one frame of the hum."""
AHEAD = 0.2
"""Seconds by which the hum is made before it is due."""


async def hum() -> AsyncIterator[rtc.AudioFrame]:
    """A tone without a pause, for as long as the call lives."""
    size = round(RATE * FRAME)
    begun, at = time.monotonic(), 0
    while True:
        seconds = (np.arange(size) + at * size) / RATE
        wave = np.sin(2 * np.pi * 440 * seconds) * 8000
        yield rtc.AudioFrame(wave.astype(np.int16).tobytes(), RATE, 1, size)
        at += 1
        await asyncio.sleep(max(0.0, at * FRAME - AHEAD - (time.monotonic() - begun)))


async def block() -> None:
    """Block the event loop for a while, as a persona does that waits for a server the wrong way."""
    await asyncio.sleep(words.BLOCKS_AFTER)
    time.sleep(words.BLOCKED)
