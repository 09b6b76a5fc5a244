"""Text in samples: what is read is what was written, in the voice that wrote it."""

from __future__ import annotations

import numpy as np
import pytest

from in_memory.sdk import resampled
from in_memory.sound import Reader, Voice, is_speech, read, speak

RATE = 24000
ANN, BOB = ("sonic-2", "ann", "en"), ("sonic-2", "bob", "de")


def voices(samples: np.ndarray, rate: int = RATE) -> list[tuple[str, Voice | None]]:
    """What was said, and in whose voice, without a break."""
    found: list[tuple[str, Voice | None]] = []
    for _, text, voice in Reader(rate).push(samples):
        if found and found[-1][1] == voice:
            found[-1] = (found[-1][0] + text, voice)
        else:
            found.append((text, voice))
    return found


@pytest.mark.parametrize("voice", [None, ANN, BOB])
@pytest.mark.parametrize("rate", [8000, 24000, 48000])
def test_words_and_voice_are_read_at_any_rate(voice: Voice | None, rate: int) -> None:
    samples = resampled(speak("Grüß Gott, aaah!", RATE, voice), RATE, rate)
    assert voices(samples, rate) == [("Grüß Gott, aaah!", voice)]
    assert is_speech(samples)


def test_voices_are_told_apart_in_one_breath() -> None:
    samples = np.concatenate([speak("Hello", RATE, ANN), speak("Hello", RATE, BOB)])
    assert voices(samples) == [("Hello", ANN), ("Hello", BOB)]
    assert read(samples, RATE) == "HelloHello"


def test_half_a_sentence_has_its_voice() -> None:
    samples = speak("Good morning", RATE, ANN)
    assert voices(samples[samples.size // 2 :]) == [("orning", ANN)]


def test_a_character_that_no_voice_has_is_read_all_the_same() -> None:
    said = voices(speak("One … two", RATE, ANN))
    assert said == [("One ", ANN), ("…", None), (" two", ANN)]


def test_what_no_samples_stand_for_is_refused() -> None:
    with pytest.raises(ValueError, match="no samples stand for"):
        speak("漢", RATE)
