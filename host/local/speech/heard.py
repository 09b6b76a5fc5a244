"""What ears tell: that someone began to speak, what was said, that it ended."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class SpeechStarted:
    """Someone began to speak, `at` seconds after the stream's first sample."""

    at: float


@dataclass(frozen=True)
class Heard:
    """One whole sentence of the vocabulary, as it was written; `start` and `end` in seconds.

    Not `final`: the speaker pauses, and may go on with it. `confidence`: 0 to 1.
    """

    text: str
    start: float
    end: float
    confidence: float
    final: bool = True


@dataclass(frozen=True)
class SpeechEnded:
    """The silence after speech was long enough. `end` is where the speech ended, in seconds."""

    start: float
    end: float


Event: TypeAlias = SpeechStarted | Heard | SpeechEnded
