"""A voice of the host in a room, beside the session's: it needs no provider and no session."""

from __future__ import annotations

import asyncio
import contextlib

from livekit import rtc

from host.speech.prompts.sound import RATE

QUEUE = 200
"""Milliseconds of sound that wait to be sent."""
LISTENER_LIMIT = 1.5
"""Seconds that the far end may take to listen to a track that is new."""


class PromptPlayer:
    """Plays sounds into a room, on a track of its own that is published when it is needed."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._source = rtc.AudioSource(RATE, 1, QUEUE)
        self.sounds = False
        """True while something is played."""
        self._opening: asyncio.Task[rtc.LocalTrackPublication] | None = None

    async def open(self) -> None:
        """Publish the track: LiveKit SIP answers a caller who still rings when there is one."""
        await asyncio.shield(self._open())

    async def play(self, sound: list[rtc.AudioFrame]) -> None:
        """Play a sound to its end."""
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
