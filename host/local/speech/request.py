"""Requests to the recogniser process, and its answers."""

from dataclasses import dataclass

from host.local.speech.audio import Samples

RATE = 8000
"""Sample rate of all speech to be recognised, in Hz."""


@dataclass(frozen=True)
class Request:
    """Pieces of speech at 8 kHz, and sentences of a story; the process is sent only new ones.

    A scene has one story at a time.
    """

    scene: str
    story: str
    sentences: tuple[str, ...]
    pieces: tuple[Samples, ...] = ()
    pauses: tuple[float, ...] = ()


@dataclass(frozen=True)
class Place:
    """A position in the pieces: that many samples into one of them."""

    piece: int
    samples: int


@dataclass(frozen=True)
class Finding:
    """A sentence in the pieces, from `start` to `end`."""

    text: str
    start: Place
    end: Place
    confidence: float
