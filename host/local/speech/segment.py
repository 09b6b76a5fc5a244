"""Voice activity detection by energy: pure, frame by frame."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAME = 0.01
"""Duration of a frame, in seconds."""
WINDOW = 0.032
"""Seconds of the window that tells a tone from a voice: 31 Hz a bin."""
QUIET = -58.0
"""dBFS below which a frame is silent, whatever the noise."""
ABOVE_NOISE = 10.0
"""dB by which speech exceeds the noise of the last NOISE_MEMORY seconds."""
LOUDEST_NOISE = -28.0
NOISE_MEMORY = 2.0
ONSET = 5
"""Voiced frames, out of twice as many, that start an utterance."""
BRIDGE = 0.15
"""Seconds of silence that separate two pieces of one utterance.

Words contain silences that are hardly shorter. A piece may contain several sentences, which the
recogniser separates.
"""
LEAD = 30
"""Maximum frames that an onset extends back over loud voiceless sounds, such as an s."""


@dataclass
class Utterance:
    """Speech between two silences: its pieces (first frame, frame after the last)."""

    pieces: list[tuple[int, int]]

    @property
    def start(self) -> float:
        """Start in seconds from the stream's first sample."""
        return self.pieces[0][0] * FRAME

    @property
    def end(self) -> float:
        """End in seconds from the stream's first sample."""
        return self.pieces[-1][1] * FRAME


class Segmenter:
    """Consumes a stream's frames one at a time and tracks the current utterance."""

    def __init__(self, rate: int) -> None:
        self.frames = 0
        self.utterance: Utterance | None = None
        self._rate = rate
        self._window = np.zeros(round(WINDOW * rate), np.float64)
        self._taper = np.hanning(self._window.size)
        self._noise: deque[float] = deque(maxlen=round(NOISE_MEMORY / FRAME))
        self._voiced: deque[bool] = deque(maxlen=2 * ONSET)
        self._loud: deque[bool] = deque(maxlen=LEAD)

    @property
    def silence(self) -> float:
        """Seconds since the utterance's last loud frame; 0 without an utterance."""
        return 0.0 if self.utterance is None else self.frames * FRAME - self.utterance.end

    def push(self, frame: NDArray[np.int16]) -> bool:
        """Consume a frame; return whether an utterance starts with it."""
        loud, voiced = self._judge(frame.astype(np.float64) / 32768)
        self.frames += 1
        self._loud.append(loud)
        self._voiced.append(voiced)
        if self.utterance is not None:
            if loud:
                self._extend(self.utterance)
            return False
        if sum(self._voiced) < ONSET:
            return False
        self.utterance = Utterance([(self._onset(), self.frames)])
        return True

    def take(self) -> Utterance | None:
        """End the utterance and return it."""
        utterance, self.utterance = self.utterance, None
        self._voiced.clear()
        self._loud.clear()
        return utterance

    def _onset(self) -> int:
        """Return the onset: back over loud frames, and gaps of at most three frames."""
        back = gap = 0
        for i, loud in enumerate(reversed(self._loud), 1):
            gap = 0 if loud else gap + 1
            if gap > 3:
                break
            back = i if loud else back
        return self.frames - back

    def _extend(self, utterance: Utterance) -> None:
        first, last = utterance.pieces[-1]
        if (self.frames - 1 - last) * FRAME >= BRIDGE:
            utterance.pieces.append((self.frames - 1, self.frames))
        else:
            utterance.pieces[-1] = (first, self.frames)

    def _judge(self, frame: NDArray[np.float64]) -> tuple[bool, bool]:
        """Return whether a frame is loud and not a tone, and whether it may be voiced."""
        self._window = np.concatenate([self._window[frame.size :], frame])
        level = 10 * np.log10(np.mean((frame - frame.mean()) ** 2) + 1e-10)
        self._noise.append(level)
        noise = min(self._noise) if len(self._noise) > 20 else QUIET - ABOVE_NOISE
        if level < max(QUIET, min(noise, LOUDEST_NOISE) + ABOVE_NOISE):
            return False, False
        power = np.abs(np.fft.rfft(self._window * self._taper)) ** 2 + 1e-12
        if is_tone(power, self._rate / self._window.size):
            return False, False
        band = power[: round(4000 * self._window.size / self._rate)]
        flatness = np.exp(np.mean(np.log(band))) / np.mean(band)
        return True, bool(flatness < 0.25)


def is_tone(power: NDArray[np.float64], hertz: float) -> bool:
    """Return whether 92 % of the power is in one or two peaks: a beep or a DTMF key.

    `power` is a spectrum with `hertz` between bins. Peaks under 300 Hz, as of voices, are ignored.
    """
    total = power.sum()
    first = _peak(power)
    one = power[first].sum()
    if first.start * hertz < 300:
        return False
    rest = power.copy()
    rest[first] = 0
    second = _peak(rest)
    two = one + rest[second].sum() if second.start * hertz > 300 else one
    return bool(max(one, two) > 0.92 * total)


def _peak(power: NDArray[np.float64]) -> slice:
    top = int(power.argmax())
    return slice(max(top - 2, 0), top + 3)
