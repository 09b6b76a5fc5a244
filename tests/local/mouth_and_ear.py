"""A caller of a session without a room."""

from __future__ import annotations

import asyncio
import time
from typing import TypeAlias

import numpy as np
from livekit import rtc
from livekit.agents import io
from numpy.typing import NDArray

from host.local.speech import speak

Samples: TypeAlias = NDArray[np.int16]

LIMIT = 10.0
"""Seconds that anything here may take."""


class Mouth(io.AudioInput):
    """The caller's sound: speech, then as much silence as ends a turn. No clock is involved."""

    def __init__(self) -> None:
        super().__init__(label="a caller's mouth")
        self._frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue()

    async def say(self, text: str) -> None:
        self.play(await speak(text, 16000))

    def play(self, samples: Samples) -> None:
        """Have samples at 16000 Hz heard, and a second of silence."""
        speech = np.concatenate([samples, np.zeros(16000, np.int16)])
        for at in range(0, speech.size - 319, 320):
            frame = rtc.AudioFrame(speech[at : at + 320].tobytes(), 16000, 1, 320)
            self._frames.put_nowait(frame)

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._frames.get()


class MouthOnTheLine(Mouth):
    """The same, with silence before and after, as fast as a line carries it."""

    async def __anext__(self) -> rtc.AudioFrame:
        await asyncio.sleep(0.02)
        if self._frames.empty():
            return rtc.AudioFrame.create(16000, 1, 320)
        return self._frames.get_nowait()


class Ear(io.AudioOutput):
    """What reaches the caller's ear; it is heard at once, or, if `slow`, until it is cut off.

    `limit`: seconds that it may take until something is heard.
    """

    def __init__(self, limit: float = LIMIT) -> None:
        super().__init__(
            label="a caller's ear", capabilities=io.AudioOutputCapabilities(pause=True)
        )
        self._frames: list[Samples] = []
        self._heard: asyncio.Queue[Samples] = asyncio.Queue()
        self.slow, self._limit = False, limit
        self.begun = asyncio.Event()

    async def hears(self, text: str) -> None:
        """The next thing heard is this text, sample by sample."""
        np.testing.assert_array_equal(await self.sound(), await speak(text, 24000))

    async def sound(self) -> Samples:
        """Give the next thing heard, at 24000 Hz."""
        return await asyncio.wait_for(self._heard.get(), self._limit)

    @property
    def silent(self) -> bool:
        """Nothing more was heard."""
        return self._heard.empty() and not self._frames

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if not self._frames:
            self.on_playback_started(created_at=time.time())
            self.begun.set()
        self._frames.append(np.frombuffer(frame.data, np.int16).copy())

    def flush(self) -> None:
        super().flush()
        if self._frames and not self.slow:
            sound, self._frames = np.concatenate(self._frames), []
            self.on_playback_finished(playback_position=sound.size / 24000, interrupted=False)
            self._heard.put_nowait(sound)

    def clear_buffer(self) -> None:
        """Cut off what is slow after its first second; what is not was heard already."""
        if self.slow and self._frames:
            self._frames, self.slow = [], False
            self.on_playback_finished(playback_position=1.0, interrupted=True)
