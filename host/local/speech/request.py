"""What is asked of the process that recognises, and what it answers."""

from dataclasses import dataclass

from host.local.speech.audio import Samples

RATE = 8000
"""Hz of all speech that is to be recognised."""


@dataclass(frozen=True)
class Request:
    """Pieces of speech at 8 kHz, and the vocabulary's sentences that the process lacks."""

    vocabulary: str
    new: tuple[str, ...]
    pieces: tuple[Samples, ...] = ()
    pauses: tuple[float, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A sentence in the pieces `first` to `last`, both included."""

    text: str
    first: int
    last: int
    confidence: float
