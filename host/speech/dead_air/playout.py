"""Audio output that passes the session's speech on and tracks its playout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit import rtc
from livekit.agents.voice import SpeechHandle

# Not exported by livekit.agents, but documented as the way to insert an output between a session
# and the room.
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities


class PlayoutMonitor(AudioOutput):
    """Forwards the session's audio and knows when its playout ends.

    `speech` returns the session's current speech.
    """

    def __init__(self, below: AudioOutput, speech: Callable[[], SpeechHandle | None]) -> None:
        super().__init__(
            label="host",
            capabilities=AudioOutputCapabilities(pause=True),
            next_in_chain=below,
            sample_rate=below.sample_rate,
        )
        self._loop = asyncio.get_running_loop()
        self.until = self._loop.time()
        """When the last frame's playout ends, by the loop's clock."""
        self.given = 0.0
        """When the last frame was captured, by the loop's clock."""
        self.of: SpeechHandle | None = None
        """The speech of the last frame."""
        self.begun = False
        """Whether a speech has started and is not complete."""
        self.paused: float | None = None
        """When playout was paused by a possible interruption, by the loop's clock; None if it is
        not."""
        self._speech = speech
        self._free = asyncio.Event()
        self._free.set()

    @property
    def sounds(self) -> bool:
        """True while audio is being played."""
        return self.paused is None and self._loop.time() < self.until

    def hold(self) -> None:
        """Block the session's audio while a prompt is played."""
        self._free.clear()

    def release(self) -> None:
        """Unblock the session's audio."""
        self._free.set()

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Forward a frame, once `release` allows it."""
        await self._free.wait()
        assert self.next_in_chain is not None
        await self.next_in_chain.capture_frame(frame)
        await super().capture_frame(frame)
        self.given, self.of, self.begun = self._loop.time(), self._speech(), True
        self.until = max(self.until, self.given) + frame.duration

    def flush(self) -> None:
        """Mark the speech as complete."""
        self.begun = False
        super().flush()
        if self.next_in_chain:
            self.next_in_chain.flush()

    def clear_buffer(self) -> None:
        """Drop audio that is not yet played: the speech was interrupted."""
        self.until = min(self.until, self._loop.time())
        self.paused = None
        if self.next_in_chain:
            self.next_in_chain.clear_buffer()

    def pause(self) -> None:
        """Pause playout on a possible interruption."""
        if self.paused is None:
            self.paused = self._loop.time()
        super().pause()

    def resume(self) -> None:
        """Resume playout after a false interruption; the rest is still to be played."""
        if self.paused is not None:
            self.until += max(0.0, self._loop.time() - self.paused) if self._has_rest else 0.0
            self.paused = None
        super().resume()

    @property
    def _has_rest(self) -> bool:
        return self.paused is not None and self.until > self.paused
