"""Speech without speech: text written into the samples themselves, so that it can be read exactly.

Each character is a block of equal samples. Whatever passes them on, cuts them off or mixes them up
does the same to the text: half a sentence of samples reads as half a sentence. A voice of its own
is in the samples of each character, too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
Voice = tuple[str, str, str]
"""A TTS's model, voice and language."""

SECONDS_A_CHARACTER = 0.06
"""As fast as a person speaks: 17 characters a second."""
MUMBLED = "\u2592"
"""Stands for speech of which no STT makes a word."""
_LOWEST = 4000
"""The sample value of character 0; loud enough for whoever measures a level."""
_HIGHEST = 20000
"""The lowest sample value of a voice; no character in nobody's voice has it."""
_LETTERS = 256
"""Characters that a voice has; it is not heard of others."""
_LOUDEST = np.iinfo(np.int16).max
_voices: list[Voice] = []
"""All voices that have spoken; each has the same number for ever."""


class Character(NamedTuple):
    """A character in samples."""

    at: int
    """The sample at which it begins, from the first of those that are read."""
    text: str
    voice: Voice | None
    """None: nobody's in particular."""


def speak(text: str, rate: int, voice: Voice | None = None) -> Samples:
    """Write a text into samples at `rate` a second.

    Raises ValueError from U+3E80 on, and for the fiftieth voice.
    """
    values = [_value(character, voice) for character in text]
    return np.repeat(np.array(values, np.int16), round(SECONDS_A_CHARACTER * rate))


def _value(character: str, voice: Voice | None) -> int:
    number = ord(character)
    if voice is None or number >= _LETTERS:
        if number >= _HIGHEST - _LOWEST:
            raise ValueError(f"no samples stand for {character!r}")
        return _LOWEST + number
    if voice not in _voices:
        _voices.append(voice)
    value = _HIGHEST + _voices.index(voice) * _LETTERS + number
    if value > _LOUDEST:
        raise ValueError(f"no samples are left for the voice {voice}")
    return value


def _read(value: int) -> tuple[str, Voice | None]:
    if value < _HIGHEST:
        return chr(value - _LOWEST), None
    voice, number = divmod(value - _HIGHEST, _LETTERS)
    return chr(number), _voices[voice] if voice < len(_voices) else None


class Reader:
    """Reads the text in a stream of samples. A character counts once half of it has come."""

    def __init__(self, rate: int) -> None:
        self._block = SECONDS_A_CHARACTER * rate
        self._value = 0
        self._there = 0
        """Samples that have come of the characters alike that are being read."""
        self._told = 0
        """How many of them have been told."""

    def push(self, samples: Samples) -> list[Character]:
        """Read on."""
        if not samples.size:
            return []
        edges = np.flatnonzero(np.diff(samples)) + 1
        if edges.size > max(2, samples.size // 20):  # music: a block of a character has hundreds
            self._value, self._there, self._told = int(samples[-1]), 1, 0
            return []
        starts = [0, *edges.tolist()]
        found: list[Character] = []
        for start, end in zip(starts, [*starts[1:], samples.size], strict=True):
            value = int(samples[start])
            if value != self._value:
                self._value, self._there, self._told = value, 0, 0
            before = self._there
            self._there += end - start
            if value < _LOWEST:
                continue
            text, voice = _read(value)
            count = int(self._there / self._block + 0.5)
            for nth in range(self._told, count):
                index = start + round(nth * self._block) - before
                found.append(Character(index, text, voice))
            self._told = max(self._told, count)
        return found


def read(samples: Samples, rate: int) -> str:
    """Read the text in samples; what is no speech is passed over."""
    return "".join(character.text for character in Reader(rate).push(samples))


def is_speech(samples: Samples) -> bool:
    """Tell whether there is speech in samples; a tone is none."""
    if not samples.size or int(samples.max()) < _LOWEST:
        return False
    return int(np.count_nonzero(np.diff(samples))) <= max(2, samples.size // 100)
