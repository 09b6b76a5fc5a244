"""Decodes telephone speech with pocketsphinx into words."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pocketsphinx import Decoder

from host.local.speech.audio import Samples, silence
from host.local.speech.request import RATE
from host.local.speech.resample import resample

MIRROR = 0.1
NOISE = 32.8
"""-60 dBFS."""
LEAD = 0.1
"""Seconds of silence before speech, for the decoder."""


@dataclass(frozen=True)
class Word:
    """A word that the decoder heard, by its name there; times in seconds of the sound."""

    name: str
    start: float
    end: float


def words_in(speech: Samples, decoder: Decoder) -> tuple[list[Word], float]:
    """Return the likeliest words by the active grammar, and their probability; maybe none."""
    padded = np.concatenate([silence(LEAD, RATE), speech, silence(0.15, RATE)])
    # Otherwise earlier speech would slightly change the result.
    decoder.reinit_feat()
    decoder.start_utt()
    decoder.process_raw(mirror(padded).tobytes(), False, True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    if hypothesis is None:
        return [], 0.0
    words = [
        Word(
            segment.word.partition("(")[0],
            segment.start_frame / 100 - LEAD,
            (segment.end_frame + 1) / 100 - LEAD,
        )
        for segment in decoder.seg()
        if segment.word.startswith("w")
    ]
    return words, min(float(hypothesis.prob), 1.0)


def mirror(speech: Samples) -> NDArray[np.int16]:
    """Fill the upper band, which telephone audio lacks and the 16 kHz model expects."""
    wide = resample(speech, RATE, 2 * RATE).astype(np.float64)
    sign = 1.0 - 2.0 * (np.arange(wide.size) % 2)
    noise = np.random.default_rng(0).normal(0, NOISE, wide.size)
    return np.clip(wide + MIRROR * wide * sign + noise, -32768, 32767).astype(np.int16)
