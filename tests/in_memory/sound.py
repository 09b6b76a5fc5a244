"""Speech without speech: text written into the samples themselves, so that it can be read exactly.

Each character is a block of equal samples. Whatever passes them on, cuts them off or mixes them up
does the same to the text: half a sentence of samples reads as half a sentence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

SECONDS_A_CHARACTER = 0.06
"""As fast as a person speaks: 17 characters a second."""
MUMBLED = "\u2592"
"""Stands for speech of which no STT makes a word."""
_LOWEST = 4000
"""The sample value of character 0; loud enough for whoever measures a level."""
_HIGHEST = 30000


def speak(text: str, rate: int) -> Samples:
    """Write a text into samples at `rate` a second. Raises ValueError from U+6590 on."""
    values = [_LOWEST + ord(character) for character in text]
    if max(values, default=0) >= _HIGHEST:
        raise ValueError(f"no samples stand for a character in {text!r}")
    return np.repeat(np.array(values, np.int16), round(SECONDS_A_CHARACTER * rate))


class Reader:
    """Reads the text in a stream of samples. A character counts once half of it has come."""

    def __init__(self, rate: int) -> None:
        self._block = SECONDS_A_CHARACTER * rate
        self._value = 0
        self._there = 0
        """Samples that have come of the characters alike that are being read."""
        self._told = 0
        """How many of them have been told."""

    def push(self, samples: Samples) -> list[tuple[int, str]]:
        """Read on: (index in these samples at which it begins, character), in order."""
        if not samples.size:
            return []
        edges = np.flatnonzero(np.diff(samples)) + 1
        if edges.size > max(2, samples.size // 20):  # music: a block of a character has hundreds
            self._value, self._there, self._told = int(samples[-1]), 1, 0
            return []
        starts = [0, *edges.tolist()]
        found: list[tuple[int, str]] = []
        for start, end in zip(starts, [*starts[1:], samples.size], strict=True):
            value = int(samples[start])
            if value != self._value:
                self._value, self._there, self._told = value, 0, 0
            before = self._there
            self._there += end - start
            if not _LOWEST <= value < _HIGHEST:
                continue
            count = int(self._there / self._block + 0.5)
            for nth in range(self._told, count):
                index = start + round(nth * self._block) - before
                found.append((index, chr(value - _LOWEST)))
            self._told = max(self._told, count)
        return found


def read(samples: Samples, rate: int) -> str:
    """Read the text in samples; what is no speech is passed over."""
    return "".join(character for _, character in Reader(rate).push(samples))


def is_speech(samples: Samples) -> bool:
    """Tell whether there is speech in samples; a tone is none."""
    if not samples.size or int(samples.max()) < _LOWEST:
        return False
    return int(np.count_nonzero(np.diff(samples))) <= max(2, samples.size // 100)
