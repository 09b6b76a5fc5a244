"""Where a session's voice passes on its way to the room: until when it sounds, and who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit import rtc
from livekit.agents.voice import SpeechHandle

# Not among the names that livekit.agents offers at its top, but the way that LiveKit documents to
# stand between a session and its output.
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities


class PlayoutMonitor(AudioOutput):
    """Passes the session's voice on, and knows until when it sounds.

    `speech` tells which speech of the session has the word now.
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
        """When the last sample that was given will have sounded, by the loop's clock."""
        self.given = 0.0
        """When the last sample was given."""
        self.of: SpeechHandle | None = None
        """The speech that it belongs to."""
        self.begun = False
        """Whether a speech has begun and is not complete."""
        self.paused: float | None = None
        """Since when it is paused: somebody spoke into it, and it may go on."""
        self._speech = speech
        self._free = asyncio.Event()
        self._free.set()

    @property
    def sounds(self) -> bool:
        """True while something of it is heard."""
        return self.paused is None and self._loop.time() < self.until

    def hold(self) -> None:
        """Let it wait: something else is said."""
        self._free.clear()

    def release(self) -> None:
        """Let it go on."""
        self._free.set()

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take a frame; it waits where the host itself has the word."""
        await self._free.wait()
        assert self.next_in_chain is not None
        await self.next_in_chain.capture_frame(frame)
        await super().capture_frame(frame)
        self.given, self.of, self.begun = self._loop.time(), self._speech(), True
        self.until = max(self.until, self.given) + frame.duration

    def flush(self) -> None:
        """The speech is complete."""
        self.begun = False
        super().flush()
        if self.next_in_chain:
            self.next_in_chain.flush()

    def clear_buffer(self) -> None:
        """The speech is broken off."""
        self.until = min(self.until, self._loop.time())
        self.paused = None
        if self.next_in_chain:
            self.next_in_chain.clear_buffer()

    def pause(self) -> None:
        """Somebody speaks into it."""
        if self.paused is None:
            self.paused = self._loop.time()
        super().pause()

    def resume(self) -> None:
        """It was nothing; the rest is still to sound."""
        if self.paused is not None:
            self.until += max(0.0, self._loop.time() - self.paused) if self._has_rest else 0.0
            self.paused = None
        super().resume()

    @property
    def _has_rest(self) -> bool:
        return self.paused is not None and self.until > self.paused
