"""Detects music on hold, so that a telephone that plays it without a word counts as waiting.

Music holds its pitches for longer than speech does, and changes them, unlike a hum. Voices, noise
and a quiet room do not count, so a person who is silent in a noisy place is none.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

import numpy as np
from livekit import rtc
from livekit.agents import AgentSession, UserInputTranscribedEvent

from host.call.live import LiveCall

RATE = 8000
"""Sample rate in Hz: a telephone transmits no more."""
SPAN = 7.0
"""Seconds of sound that are judged."""
QUIET = 2.0
"""Seconds without a word of either side after which listening begins.

With SPAN it ends before the default `silence_timeout`.
"""
LOOK = 1.0
"""Seconds between looks."""
FRAME = 100
"""Milliseconds of sound at a time. LiveKit's default, 10, wakes this process as often again."""
_SIZE, _STEP = 512, 256  # samples: 64 ms, of which half is new
_LOUD = 100.0  # root mean square of int16 samples: about -50 dB of full scale
_PEAKS = 9  # bins of 16 Hz that have most of a chord's power, and little of a noise's
_TONAL = 0.6  # share of power in them
_LOWEST = 5  # bins below are mains hum
_STEADY = 0.92  # similarity of two windows in a row; half of each is the same, so noise has 0.8
_CHANGED = 0.9  # similarity after a second, above which it is a hum or a signal tone
_MOST, _FEW = 0.6, 0.25  # share of windows that are music, to begin and to go on


class Heard(Protocol):
    """The far end that is listened to."""

    @property
    def participant(self) -> rtc.RemoteParticipant | None: ...


class MusicDetector:
    """Judges the last SPAN seconds of a telephone's audio."""

    def __init__(self) -> None:
        count = round(SPAN * RATE / _STEP)
        self._musical: deque[bool] = deque(maxlen=count)
        self._likeness: deque[float] = deque(maxlen=count)
        self._spectra: deque[np.ndarray] = deque(maxlen=RATE // _STEP)
        self._rest = np.zeros(0)
        self._window = np.hanning(_SIZE)

    @property
    def full(self) -> bool:
        """Whether SPAN seconds have come."""
        return len(self._musical) == self._musical.maxlen

    def plays(self, *, still: bool = False) -> bool:
        """Return whether music plays; `still`: whether it has not ended since."""
        if not self.full:
            return still
        share = float(np.mean(self._musical))
        return share >= (_FEW if still else _MOST) and float(np.median(self._likeness)) < _CHANGED

    def push(self, samples: np.ndarray) -> None:
        """Analyse int16 mono samples at RATE."""
        self._rest = np.concatenate([self._rest, samples.astype(np.float64)])
        while self._rest.size >= _SIZE:
            self._hear(self._rest[:_SIZE])
            self._rest = self._rest[_STEP:]

    def _hear(self, window: np.ndarray) -> None:
        amplitude = np.abs(np.fft.rfft(window * self._window))
        amplitude[:_LOWEST] = 0.0
        power = amplitude**2
        whole = power.sum() or 1.0
        spectrum = amplitude / np.sqrt(whole)
        tonal = np.partition(power, -_PEAKS)[-_PEAKS:].sum() / whole > _TONAL
        steady = bool(self._spectra) and float(spectrum @ self._spectra[-1]) > _STEADY
        loud = np.sqrt(np.mean(window**2)) > _LOUD
        self._musical.append(bool(tonal and steady and loud))
        self._likeness.append(float(spectrum @ self._spectra[0]) if self._spectra else 1.0)
        self._spectra.append(spectrum)


class MusicWatch:
    """Puts one call on hold while its telephone plays music and nobody speaks."""

    def __init__(self, call: LiveCall, far_end: Heard, session: AgentSession[object]) -> None:
        self._call, self._far_end, self._session = call, far_end, session
        self._spoke_at = _now()
        self._held = False
        self._listening: asyncio.Task[None] | None = None
        self._detector = MusicDetector()
        self._heard_at = 0.0
        session.on("user_input_transcribed", self._on_words)

    async def watch(self) -> None:
        """Watch until the call is over. It listens only while nobody speaks."""
        call = self._call
        try:
            while not (call.over or call.state.connected):
                await asyncio.sleep(LOOK)
                self._look()
        finally:
            self._stop()

    def _look(self) -> None:
        hold = self._call.hold
        if self._session.agent_state != "listening" or self._call.replies_held:
            self._spoke_at = _now()
        self._held = self._held and hold.active
        if _now() - self._spoke_at < QUIET or (hold.active and not self._held):
            self._stop()
            return
        self._start()
        if _now() - self._heard_at >= LOOK:
            self._hear(np.zeros(round(LOOK * RATE), np.int16))  # no sound comes: that is silence
        if not self._held and self._detector.plays():
            self._held = True
            hold.begin("music plays")
        elif self._held and not self._detector.plays(still=True):
            hold.end("the music is over")

    def _start(self) -> None:
        if self._listening is None or self._listening.done():
            self._detector, self._heard_at = MusicDetector(), _now()
            if track := self._track():
                self._listening = self._call.spawn(self._listen(track), "listening for music")

    def _stop(self) -> None:
        if self._listening:
            self._listening.cancel()
            self._listening = None

    def _track(self) -> rtc.Track | None:
        participant = self._far_end.participant
        publications = participant.track_publications.values() if participant else ()
        audio = (one for one in publications if one.kind == rtc.TrackKind.KIND_AUDIO)
        return next((one.track for one in audio if one.track), None)

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=FRAME)
        try:
            async for event in stream:
                self._hear(np.frombuffer(event.frame.data, np.int16))
        finally:
            await stream.aclose()

    def _hear(self, samples: np.ndarray) -> None:
        self._heard_at = _now()
        self._detector.push(samples)

    def _on_words(self, event: UserInputTranscribedEvent) -> None:
        if event.transcript.strip():
            self._spoke_at = _now()


def _now() -> float:
    return asyncio.get_running_loop().time()
