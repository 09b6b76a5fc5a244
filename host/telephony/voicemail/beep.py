"""Detects the beep of a voicemail in a call's audio.

A beep is a pure tone between 350 and 2500 Hz of at least 120 ms, followed by silence. It counts
only after speech, because ringback, busy and fax tones come before any.
"""

from __future__ import annotations

import asyncio

import numpy as np
from livekit import rtc

RATE = 8000
"""Sample rate in Hz: a telephone transmits no more."""
WINDOW = 160
"""Samples per analysis window: 20 ms."""
_SIZE = 512
_HANN = np.hanning(WINDOW)
_LOW, _HIGH = 350.0, 2500.0
_PURITY = 0.8
_LENGTH = 6  # windows: 120 ms
_LOUD = 200.0  # root mean square of int16 samples: about -44 dB of full scale
_SETTLED = 20  # windows: 400 ms without a tone after a beep, for machines that beep in a row
# Ringback of a colleague's telephone while the call is put through (ETSI: 425 Hz, 1 s).
_RINGING_PITCH = 390.0, 460.0
_RINGING_LENGTH = 40  # windows: 800 ms


class BeepDetector:
    """Counts consecutive windows of one pure tone; sets `heard` after a beep."""

    def __init__(self) -> None:
        self.armed = False
        self.heard = asyncio.Event()
        self.voided = asyncio.Event()
        """Set while there is no beep, or speech has followed it."""
        self.voided.set()
        self.count = 0
        """Beeps since the last speech."""
        self._run = 0
        self._pitch = 0.0
        self._since: int | None = None  # windows since a beep
        self._rest = np.empty(0, np.int16)

    @property
    def since(self) -> float:
        """Seconds since the last beep; 0 if speech has followed it."""
        return (self._since or 0) * WINDOW / RATE

    def speech(self) -> None:
        """Report speech: it arms the detector and voids an earlier beep."""
        self.armed = True
        self._since, self.count = None, 0
        self.heard.clear()
        self.voided.set()

    def push(self, samples: np.ndarray) -> None:
        """Analyse int16 mono samples at RATE."""
        joined = np.concatenate([self._rest, samples])
        whole = len(joined) // WINDOW * WINDOW
        self._rest = joined[whole:]
        for pitch in tones(joined[:whole].reshape(-1, WINDOW)):
            self._hear(pitch)

    def _hear(self, pitch: float | None) -> None:
        if pitch is not None and (self._run == 0 or abs(pitch - self._pitch) < 40):
            self._run, self._pitch = self._run + 1, pitch
            return
        if self._run >= _LENGTH and self.armed and not self._rang():
            self._since, self.count = 0, self.count + 1
        self._run, self._pitch = (1, pitch) if pitch is not None else (0, 0.0)
        if self._since is not None:
            self._since += 1
            if self._since >= _SETTLED:
                self.voided.clear()
                self.heard.set()

    def _rang(self) -> bool:
        low, high = _RINGING_PITCH
        return self._run >= _RINGING_LENGTH and low <= self._pitch <= high


def tones(windows: np.ndarray) -> list[float | None]:
    """Return the pitch in Hz of each window that is one pure tone, and None for the others.

    `windows` has the shape (windows, WINDOW).
    """
    found: list[float | None] = [None] * len(windows)
    sound = windows.astype(np.float64)
    (loud,) = np.nonzero(np.sqrt(np.mean(sound**2, axis=1)) >= _LOUD)
    if not loud.size:
        return found
    power = np.abs(np.fft.rfft(sound[loud] * _HANN, _SIZE)) ** 2
    for window, spectrum, peak in zip(loud, power, np.argmax(power, axis=1), strict=True):
        pitch = float(peak) * RATE / _SIZE
        if _LOW <= pitch <= _HIGH:
            # A Hann window of 160 samples spreads a tone over 4 of its own bins: 13 of the padded.
            near = spectrum[max(0, peak - 7) : peak + 8].sum()
            found[window] = pitch if near / spectrum.sum() > _PURITY else None
    return found


async def listen(detector: BeepDetector, track: rtc.Track) -> None:
    """Feed a track's audio to the detector until the track ends."""
    stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
    try:
        async for event in stream:
            detector.push(np.frombuffer(event.frame.data, np.int16))
    finally:
        await stream.aclose()
