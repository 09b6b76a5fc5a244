"""A caller as LiveKit SIP puts it into a room: a participant of kind SIP, without a telephone.

Its clock is the monotonic one, its sound is looked at every 5 ms: the telephones of `host.local`
work in steps of 100 ms, which is too coarse here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from livekit import api, rtc
from livekit.protocol.room import RoomConfiguration

from host.local.livekit import LiveKitServer
from host.local.sound import RATE, Samples
from speed import sound

FRAME = 0.02
"""Seconds of one received frame."""
QUEUE = 30_000
"""Milliseconds that the source holds: what is said is given to it as one piece."""
LIMIT = 40.0
"""Seconds that anything may take, also on a busy machine."""
PATIENCE = 5.0
"""Seconds that a step of leaving may take: on a busy machine, one of the SDK never returned."""
WHOLE = 0.1
"""Seconds of silence in a sound that is still called unbroken."""
NOTHING: Samples = np.zeros(0, np.int16)
STATE = "lk.agent.state"
"""The attribute by which an agent says that it listens, thinks or speaks."""


@dataclass(frozen=True)
class Frame:
    """A piece of what was heard."""

    arrived: float
    """When its last sample arrived."""
    samples: Samples
    onset: float | None
    """Seconds from its first sample to the first sound; None if it is silent."""


class NotServed(Exception):
    """A caller did not get what was waited for."""


class Caller:
    """One call: `async with Caller(server, agent, persona) as caller`.

    All times are of the monotonic clock. `dialled_at` is the moment before it begins to join.
    """

    def __init__(self, server: LiveKitServer, agent: str, persona: str) -> None:
        self._server, self._agent, self._persona = server, agent, persona
        # openrtc chooses by the room's prefix, too.
        self.room_name = f"{persona}-{secrets.token_hex(6)}"
        self._room = rtc.Room()
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=QUEUE)
        self._listening: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self.dialled_at = 0.0
        self.agent_joined_at: float | None = None
        self.states: list[tuple[float, str]] = []
        """The states of the agent, each with the time at which they were seen."""
        self.gone = asyncio.Event()
        """Set when the caller is out of the room, for whatever reason."""
        self._frames: list[Frame] = []
        self._quiet = self._whole = 0.0
        """Seconds since the last sound, and of sound without a gap."""

    async def __aenter__(self) -> Self:
        self._room.on("participant_connected", self._on_participant)
        self._room.on("track_subscribed", self._on_track)
        self._room.on("participant_attributes_changed", self._on_attributes)
        self._room.on("disconnected", lambda _: self.gone.set())
        track = rtc.LocalAudioTrack.create_audio_track("caller", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        self.dialled_at = time.monotonic()
        try:
            await self._room.connect(self._server.url, self._token())
            for participant in self._room.remote_participants.values():
                self._on_participant(participant)
            await self._room.local_participant.publish_track(track, options)
        except Exception as error:  # the SDK has an exception of its own for each step
            await self.leave()
            raise NotServed(f"the caller can't join: {error}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def leave(self) -> float:
        """Hang up; return the time at which the caller began to leave the room."""
        if self._listening:  # first: closing a stream of a room that is gone is not safe
            self._listening.cancel()
            await asyncio.wait([self._listening], timeout=PATIENCE)
        began = time.monotonic()
        if not self.gone.is_set():
            await _patiently(self._room.disconnect())
            self.gone.set()
        await _patiently(self._source.aclose())
        return began

    def _token(self) -> str:
        metadata = json.dumps({"persona": self._persona, "agent": self._persona})
        dispatch = api.RoomAgentDispatch(agent_name=self._agent, metadata=metadata)
        token = api.AccessToken(self._server.api_key, self._server.api_secret)
        call = secrets.token_hex(8)
        attributes = {
            "sip.callID": f"SCL_{call}",
            "sip.callStatus": "ringing",
            "sip.phoneNumber": f"+1555777{secrets.randbelow(10_000):04}",
            "sip.trunkPhoneNumber": "+15550001111",
            "sip.trunkID": "ST_speed",
            "sip.ruleID": "SDR_speed",
        }
        token = token.with_identity(f"sip_{call}").with_kind("sip").with_attributes(attributes)
        grants = api.VideoGrants(room_join=True, room=self.room_name, can_update_own_metadata=True)
        config = RoomConfiguration(agents=[dispatch])
        return token.with_grants(grants).with_room_config(config).to_jwt()

    def _on_participant(self, participant: rtc.RemoteParticipant) -> None:
        if participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
            self.agent_joined_at = self.agent_joined_at or time.monotonic()
            self._news.set()

    def _on_attributes(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        if STATE in changed:
            self.states.append((time.monotonic(), changed[STATE]))

    def _on_track(
        self, track: rtc.Track, _: rtc.RemoteTrackPublication, __: rtc.RemoteParticipant
    ) -> None:
        """Answer, as LiveKit SIP does when audio of an agent is there."""
        if self._listening is None and track.kind == rtc.TrackKind.KIND_AUDIO:
            self._listening = asyncio.create_task(self._listen(track))

    async def _listen(self, track: rtc.Track) -> None:
        answering = asyncio.create_task(self._answer())
        stream = rtc.AudioStream.from_track(
            track=track, sample_rate=RATE, num_channels=1, frame_size_ms=round(FRAME * 1000)
        )
        try:
            async for event in stream:
                self._take(np.frombuffer(event.frame.data, np.int16).copy())
        finally:
            answering.cancel()
            await stream.aclose()

    def _take(self, samples: Samples) -> None:
        onset, seconds = sound.onset(samples), samples.size / RATE
        self._frames.append(Frame(time.monotonic(), samples, onset))
        if onset is None:
            self._quiet += seconds
        else:
            self._quiet = seconds - sound.end_of_sound(samples)
        self._whole = 0.0 if self._quiet > WHOLE else self._whole + seconds
        self._news.set()

    async def _answer(self) -> None:
        with contextlib.suppress(Exception):  # it counts that it was asked
            await self._room.local_participant.set_attributes({"sip.callStatus": "active"})

    # What it hears and says.

    async def agent(self, limit: float = LIMIT) -> float:
        """Wait for the agent; return when it joined. Raises NotServed."""
        await self._until(lambda: self.agent_joined_at is not None, limit, "no agent joined")
        assert self.agent_joined_at is not None
        return self.agent_joined_at

    async def heard(self, since: float = 0.0, limit: float = LIMIT) -> float:
        """Wait for a sound that arrives after a time; return when. Raises NotServed."""
        found, seen = 0.0, 0

        def sounds() -> bool:
            nonlocal found, seen
            for frame in self._frames[seen:]:
                seen += 1
                if frame.arrived > since and frame.onset is not None:
                    start = frame.arrived - frame.samples.size / RATE
                    found = max(start + frame.onset, since)
                    return True
            return False

        await self._until(sounds, limit, "nothing was heard")
        return found

    async def silence(self, seconds: float, limit: float = LIMIT) -> None:
        """Wait until nothing was heard for so long. Raises NotServed."""
        await self._until(
            lambda: bool(self._frames) and self._quiet >= seconds, limit, "it does not fall silent"
        )

    async def unbroken(self, seconds: float, limit: float = LIMIT) -> None:
        """Wait until a sound has gone on for so long without a gap. Raises NotServed."""
        await self._until(lambda: self._whole >= seconds, limit, "no unbroken sound was heard")

    def recording(self, begin: float, end: float) -> Samples:
        """Return what arrived between two times, in the order of its samples.

        Where fewer samples came than time has passed, silence is added at the end: the track was
        gone. A busy caller that reads its frames late makes no gap.
        """
        parts = [each.samples for each in self._frames if begin < each.arrived <= end]
        heard = np.concatenate(parts) if parts else NOTHING
        lost = round((end - begin) * RATE) - heard.size
        if lost > RATE // 5:
            heard = np.concatenate([heard, np.zeros(lost, np.int16)])
        return heard

    async def say(self, samples: Samples) -> float:
        """Say something at once; return when its last sample is sent, which lies ahead."""
        frame = rtc.AudioFrame(samples.tobytes(), RATE, 1, samples.size)
        await self._source.capture_frame(frame)
        return time.monotonic() + self._source.queued_duration

    def state_since(self, begin: float, wanted: tuple[str, ...]) -> float | None:
        """Return when the agent first said after `begin` that it is in one of these states."""
        return next((at for at, state in self.states if at >= begin and state in wanted), None)

    async def _until(self, what: Callable[[], bool], limit: float, else_: str) -> None:
        try:
            async with asyncio.timeout(limit):
                while not what():
                    if self.gone.is_set():
                        raise NotServed(f"{else_}: the call is over")
                    self._news.clear()
                    waiting = asyncio.ensure_future(self._news.wait())
                    over = asyncio.ensure_future(self.gone.wait())
                    await asyncio.wait({waiting, over}, return_when=asyncio.FIRST_COMPLETED)
                    waiting.cancel()
                    over.cancel()
        except TimeoutError:
            raise NotServed(f"{else_} within {limit:g} s") from None


async def _patiently(step: Awaitable[object]) -> None:
    """Wait a while for a step of the SDK; the room may be gone at the same moment."""
    with contextlib.suppress(Exception):
        await asyncio.wait_for(step, PATIENCE)
