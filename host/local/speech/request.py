"""What is asked of the process that recognises, and what it answers."""

from dataclasses import dataclass

from host.local.speech.audio import Samples

RATE = 8000
"""Hz of all speech that is to be recognised."""


@dataclass(frozen=True)
class Request:
    """Pieces of speech at 8 kHz, and the sentences of a story: to the process, those it lacks.

    A scene has one story at a time.
    """

    scene: str
    story: str
    sentences: tuple[str, ...]
    pieces: tuple[Samples, ...] = ()
    pauses: tuple[float, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A sentence in the pieces `first` to `last`, both included."""

    text: str
    first: int
    last: int
    confidence: float
