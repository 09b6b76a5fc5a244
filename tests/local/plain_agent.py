"""An agent without a host: a plain participant that sees, hears, and speaks in tones."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

import numpy as np
import pytest
from livekit import api, rtc

from host.local.exchange import Exchange
from host.local.exchange.pulse import Pulse
from host.local.sound import RATE, Samples, tone

HOST_NUMBER = "+15550001111"
CALLER = "+15557770001"

both_profiles = pytest.mark.parametrize(
    "profile", ["now", pytest.param("2025", marks=pytest.mark.every)]
)
"""Runs a test on livekit-sip of now and, in `make test-all`, of 2025."""


class Agent:
    """A plain participant of kind agent: what it saw and heard, and a voice of tones."""

    def __init__(self, exchange: Exchange, room: str) -> None:
        self.exchange, self.name = exchange, room
        self.room = rtc.Room()
        self.saw: list[tuple[str, Any]] = []
        """(event, what) in order: attributes as dicts, leavings as reasons, keys as digits."""
        self.heard = np.zeros(0, np.int16)
        self.pulse = Pulse()
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=10_000)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        token = api.AccessToken(self.exchange.api_key, self.exchange.api_secret)
        token.with_identity("agent").with_kind("agent")
        token.with_grants(api.VideoGrants(room_join=True, room=self.name))
        self._watch()
        await self.room.connect(self.exchange.url, token.to_jwt())
        for participant in self.room.remote_participants.values():
            self._note("joined", participant.identity)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.room.disconnect()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._source.aclose()

    async def speaks_up(self) -> None:
        """Publish audio: this is what picks up an inbound call."""
        track = rtc.LocalAudioTrack.create_audio_track("agent", self._source)
        await self.room.local_participant.publish_track(track)

    async def says(self, samples: Samples) -> None:
        """Send a sound, and come back when it is out."""
        await self._source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, samples.size))
        await self._source.wait_for_playout()

    async def beeps(self, hz: float = 700, seconds: float = 0.6) -> None:
        """Send a tone."""
        await self.says(tone(hz, seconds))

    async def end_call(self, identity: str) -> None:
        """Ask the telephone with an identity to hang up; it may be gone before its answer is."""
        with suppress(rtc.RpcError):
            await self.room.local_participant.perform_rpc(
                destination_identity=identity, method="lk.sip.EndCall", payload="{}"
            )

    async def sees(self, event: str, what: Any = None, limit: float = 10.0) -> Any:
        """Wait until something was seen (`what` of it, if given), and give what was."""

        def seen() -> list[Any]:
            return [value for name, value in self.saw if name == event and what in (None, value)]

        return (await self._until(seen, limit, f"{event} {what or ''}"))[0]

    async def sees_status(self, status: str, limit: float = 10.0) -> None:
        """Wait until the SIP participant has this `sip.callStatus`."""

        def has() -> bool:
            return (
                any(
                    each.attributes.get("sip.callStatus") == status
                    for each in self.room.remote_participants.values()
                )
                or ("status", status) in self.saw
            )

        await self._until(has, limit, f"status {status}")

    @property
    def caller(self) -> rtc.RemoteParticipant:
        """The only other participant."""
        (participant,) = self.room.remote_participants.values()
        return participant

    async def _until(self, what: Callable[[], Any], limit: float, wish: str) -> Any:
        try:
            return await self.pulse.until(what, limit, wish)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; saw {self.saw}") from None

    def _note(self, event: str, what: Any) -> None:
        self.saw.append((event, what))
        self.pulse.beat()

    def _watch(self) -> None:
        room = self.room
        room.on("participant_connected", lambda p: self._note("joined", p.identity))
        room.on("participant_disconnected", lambda p: self._note("left", p.disconnect_reason))
        room.on("disconnected", lambda reason: self._note("disconnected", reason))
        room.on("sip_dtmf_received", lambda dtmf: self._note("key", (dtmf.code, dtmf.digit)))
        room.on("track_subscribed", self._hear)
        room.on("participant_attributes_changed", self._note_status)

    def _note_status(self, changed: dict[str, str], _: rtc.Participant) -> None:
        if "sip.callStatus" in changed:
            self._note("status", changed["sip.callStatus"])
        self._note("attributes", changed)

    def _hear(self, track: rtc.Track, *_: object) -> None:
        self._tasks.append(asyncio.create_task(self._listen(track)))
        self._note("track", track.name)

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream.from_track(track=track, sample_rate=RATE, num_channels=1)
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16)
                self.heard = np.concatenate([self.heard, samples])
                self.pulse.beat()
        finally:
            await stream.aclose()
