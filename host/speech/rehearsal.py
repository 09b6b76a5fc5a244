"""A conversation with nobody, before the first call: what runs for the first time is slow.

Python imports, compiles and specialises code as it runs it. A call's process inherits what was run
before it was forked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import cache

from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities

RATE = 24000
LIMIT = 5.0
"""Seconds after which a rehearsal is given up."""


class _Nobody(AudioOutput):
    """Hears each speech to its end, in no time."""

    def __init__(self) -> None:
        can = AudioOutputCapabilities(pause=True)
        super().__init__(label="rehearsal", capabilities=can, sample_rate=RATE)

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)

    def flush(self) -> None:
        super().flush()
        self.on_playback_finished(playback_position=0.1, interrupted=False)

    def clear_buffer(self) -> None:
        """Nothing is kept."""


@cache  # a process inherits that it was done before the fork
def rehearse() -> None:
    """Start a session without models, say something, and close it, once.

    It neither starts a thread nor the SDK's native library, which must not run where processes are
    forked, and opens no connection. Raises what fails, and TimeoutError.
    """
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(asyncio.wait_for(_talk(), LIMIT))
    finally:
        loop.close()


async def _talk() -> None:
    session: AgentSession[None] = AgentSession(
        vad=None,
        turn_handling={
            "turn_detection": "manual",
            "interruption": {"mode": "vad", "discard_audio_if_uninterruptible": False},
        },
        session_close_transcript_timeout=0,
    )
    session.output.audio = _Nobody()
    await session.start(Agent(instructions="Say nothing."), record=False)
    try:
        await session.say("Is this on?", audio=_silence())
    finally:
        await session.aclose()


async def _silence() -> AsyncIterator[rtc.AudioFrame]:
    samples = RATE // 50
    for _ in range(3):
        yield rtc.AudioFrame(bytes(2 * samples), RATE, 1, samples)
        await asyncio.sleep(0)
