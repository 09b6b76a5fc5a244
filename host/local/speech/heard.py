"""Events of speech recognition: start, sentence, end."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class SpeechStarted:
    """Speech started, `at` seconds after the stream's first sample."""

    at: float


@dataclass(frozen=True)
class Heard:
    """One complete sentence of the vocabulary, as written; `start` and `end` in seconds.

    Not `final`: the speaker pauses and may continue. `confidence`: 0 to 1.
    """

    text: str
    start: float
    end: float
    confidence: float
    final: bool = True


@dataclass(frozen=True)
class SpeechEnded:
    """Silence has ended an utterance. `end` is the end of its speech, in seconds."""

    start: float
    end: float


Event: TypeAlias = SpeechStarted | Heard | SpeechEnded
