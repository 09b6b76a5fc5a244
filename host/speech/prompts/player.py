"""Plays prompts into a room, independently of the session and of any provider."""

from __future__ import annotations

import asyncio
import contextlib

from livekit import rtc

from host.speech.prompts.sound import RATE

QUEUE = 200
"""Milliseconds of audio buffered ahead."""
LISTENER_LIMIT = 1.5
"""Seconds to wait for the far end to subscribe to a new track."""


class PromptPlayer:
    """Plays frames on a track of its own, published on first use."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._source = rtc.AudioSource(RATE, 1, QUEUE)
        self.sounds = False
        """True while frames are played."""
        self._opening: asyncio.Task[rtc.LocalTrackPublication] | None = None

    async def open(self) -> None:
        """Publish the track. LiveKit SIP answers a ringing caller once a track is published."""
        await asyncio.shield(self._open())

    async def play(self, sound: list[rtc.AudioFrame]) -> None:
        """Play frames to their end."""
        publication = await asyncio.shield(self._open())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(publication.wait_for_subscription(), LISTENER_LIMIT)
        self.sounds = True
        try:
            for frame in sound:
                await self._source.capture_frame(frame)
            await self._source.wait_for_playout()
        except asyncio.CancelledError:
            self._source.clear_queue()
            raise
        finally:
            self.sounds = False

    def _open(self) -> asyncio.Task[rtc.LocalTrackPublication]:
        if self._opening is None:
            self._opening = asyncio.create_task(self._publish())
        return self._opening

    async def _publish(self) -> rtc.LocalTrackPublication:
        track = rtc.LocalAudioTrack.create_audio_track("host", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        return await self._room.local_participant.publish_track(track, options)
