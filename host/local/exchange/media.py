"""The audio of one leg in both directions, with telephone quality.

It works in chunks of 100 ms: Python can't serve eight telephones with frames of 20 ms on two cores.
WebRTC sends packets of 20 ms anyway.
"""

import asyncio
import contextlib
from collections.abc import Callable

import numpy as np
from livekit import rtc

from host.local.exchange.mixer import Mixer
from host.local.exchange.recording import HEARD, SAID, Recording
from host.local.sound import RATE, Samples, level, loud, ringback, telephone_line
from host.local.speech import Found, locate, speak

CHUNK = RATE // 10
SECONDS = CHUNK / RATE
AHEAD = 2
"""Chunks given to WebRTC in advance, so that a busy moment causes no gap."""


class Media:
    """An audio track into the room, and the mix of the room's tracks."""

    def __init__(self, name: str, *, g711: bool = True) -> None:
        source = rtc.AudioSource(RATE, 1, queue_size_ms=1000)
        self._source: rtc.AudioSource | None = source
        self.track: rtc.LocalAudioTrack | None
        self.track = rtc.LocalAudioTrack.create_audio_track(name, source)
        self.recording = Recording()
        self.heard_something_at = 0.0
        """Seconds from the answer to the end of the far end's last sound."""
        self.settled = 0
        """Samples since the answer up to which the far end's audio is final."""
        self.ringback_out = False
        self.ringback_in = False
        self.on_heard: Callable[[Samples], None] = lambda samples: None
        self.on_tick: Callable[[], None] = lambda: None
        self._line = telephone_line if g711 else lambda samples: samples
        self._to_say = np.zeros(0, np.int16)
        self._said_until = 0.0
        self._sends = self._receives = True
        self._mixer = Mixer()
        self._answered: float | None = None
        self._started: asyncio.Task[None] | None = None
        self._listening: dict[str, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Start to send audio, if not yet started: silence, until there is something to say."""
        self._started = self._started or asyncio.create_task(self._run())

    def answer(self) -> None:
        """Start to receive and record: this is second 0."""
        self._answered = asyncio.get_running_loop().time()

    def direct(self, *, sends: bool, receives: bool) -> None:
        """Let audio pass from now on: into the room, and to the telephone.

        The room sees a mute, of which LiveKit SIP would tell it nothing: the SDK's source sends
        silence for as long as its track is not muted, and packets must not arrive.
        """
        if self.track and sends != self._sends:
            (self.track.unmute if sends else self.track.mute)()
        self._sends, self._receives = sends, receives

    def listen(self, sid: str, track: rtc.Track) -> None:
        """Receive this track too."""
        if sid not in self._listening:
            self._listening[sid] = asyncio.create_task(self._hear(sid, track))

    def unlisten(self, sid: str) -> None:
        """Stop receiving a track."""
        if task := self._listening.pop(sid, None):
            task.cancel()
        self._mixer.remove(sid)

    async def speak(self, text: str) -> float:
        """Queue words; return the seconds until the last one is sent."""
        return self.say(await speak(text, RATE))

    def find(self, text: str, recording: Samples) -> list[Found]:
        """Return where a text was heard in the call's stereo recording."""
        return locate(recording[:, HEARD], RATE, text)

    def say(self, samples: Samples) -> float:
        """Queue samples; return the seconds until the last one is sent."""
        self._to_say = np.concatenate([self._to_say, samples])
        return self._to_say.size / RATE + AHEAD * SECONDS

    def hush(self) -> None:
        """Drop queued audio."""
        self._to_say = self._to_say[:0]

    async def close(self) -> None:
        """Stop and release the track."""
        tasks = [task for task in (self._started, *self._listening.values()) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tick_heard(asyncio.get_running_loop().time())
        source, self._source, self.track = self._source, None, None
        # A source keeps a thread that sends silence while it or its track is referenced.
        if source:
            await source.aclose()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        for _ in range(AHEAD):
            await self._capture(np.zeros(CHUNK, np.int16))
        sent = 0
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            chunk = self._line(self._next_chunk(sent))
            if not self._sends:
                chunk = np.zeros(CHUNK, np.int16)
            # After a stall everything due is sent at once, which would stay late for good: drop
            # silence to catch up.
            if self._queued < 0.4 or level(chunk) > -60:
                await self._capture(chunk)
            sent += CHUNK
            if self._answered is not None:
                heard_at = due + AHEAD * SECONDS - self._answered
                self.recording.write(SAID, round(heard_at * RATE), chunk)
                self._tick_heard(loop.time())
            self.on_tick()
            due += SECONDS

    def _next_chunk(self, sent: int) -> Samples:
        if self.ringback_out:
            return ringback(sent, CHUNK)
        chunk = np.zeros(CHUNK, np.int16)
        now, self._to_say = self._to_say[:CHUNK], self._to_say[CHUNK:]
        chunk[: now.size] = now
        return chunk

    @property
    def _queued(self) -> float:
        """Seconds queued in WebRTC."""
        return self._source.queued_duration if self._source else 0.0

    async def _capture(self, chunk: Samples) -> None:
        if self._source is None:
            return
        frame = rtc.AudioFrame(chunk.tobytes(), RATE, 1, chunk.size)
        # The track may disappear when the room is deleted.
        with contextlib.suppress(Exception):
            await self._source.capture_frame(frame)

    def _tick_heard(self, time: float) -> None:
        if self._answered is None:
            return
        samples = self._mixer.settle(round((time - self._answered) * RATE))
        if self.ringback_in:
            samples = ringback(self.settled, samples.size)
        if not self._receives:
            samples = np.zeros(samples.size, np.int16)
        samples = self._line(samples)
        self.recording.write(HEARD, self.settled, samples)
        if (blocks := np.flatnonzero(loud(samples))).size:
            self.heard_something_at = self.settled / RATE + (blocks[-1] + 1) * 0.02
        self.settled += samples.size
        self.on_heard(samples)

    async def _hear(self, sid: str, track: rtc.Track) -> None:
        loop = asyncio.get_running_loop()
        stream = rtc.AudioStream.from_track(
            track=track, sample_rate=RATE, num_channels=1, frame_size_ms=round(SECONDS * 1000)
        )
        try:
            async for event in stream:
                if self._answered is not None:
                    now = round((loop.time() - self._answered) * RATE)
                    samples = np.frombuffer(event.frame.data, np.int16)
                    self._mixer.add(sid, samples, now)
        finally:
            self._mixer.remove(sid)
            await stream.aclose()
