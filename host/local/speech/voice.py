"""The TTS of all local telephones and agents: flite's male voice `rms`, 16 kHz."""

import asyncio
import io
import re
import wave
from functools import lru_cache

import numpy as np

from host.local.speech.audio import Samples, silence, trim
from host.local.speech.flite import run_flite
from host.local.speech.resample import resample

PAUSE = 0.17
"""Seconds of silence between two sentences of one text."""

_SENTENCE_END = re.compile(
    r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”)]))(?<!\bMr\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bMrs\.)\s+"
)


def sentences_of(text: str) -> list[str]:
    """Split a text into sentences, as spoken and as located."""
    return [part.strip() for part in _SENTENCE_END.split(text) if re.search(r"\w", part)]


async def speak(text: str, rate: int) -> Samples:
    """Return a text as speech: mono int16 at `rate` Hz, with almost no silence at its ends.

    Each sentence sounds the same in any text, so that a text may be spoken at once or sentence by
    sentence. Raises HostError without flite.
    """
    return await asyncio.to_thread(synthesize, text, rate)


def synthesize(text: str, rate: int) -> Samples:
    """Do what `speak` does, blocking: 10 to 60 ms for a new sentence."""
    parts: list[Samples] = []
    for sentence in sentences_of(text):
        parts += [silence(PAUSE, rate), _sentence(sentence, rate)]
    return np.concatenate(parts[1:]) if parts else silence(0, rate)


@lru_cache(maxsize=2000)
def _sentence(text: str, rate: int) -> Samples:
    with wave.open(io.BytesIO(run_flite("-o", "/dev/stdout", text=text))) as recording:
        made_at = recording.getframerate()
        raw = np.frombuffer(recording.readframes(recording.getnframes()), "<i2")
    samples = resample(trim(raw, made_at), made_at, rate)
    samples.flags.writeable = False
    return samples
