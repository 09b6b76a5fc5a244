"""Telephone lines for tests of speech: mu-law, Opus, lost packets, stretched time, clipping."""

from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from host.local.speech import Event, Heard, Sentences, Transcriber
from host.local.speech.audio import Samples, silence
from host.local.speech.resample import resample

RATE = 8000

SCENE = (
    "Hello?",
    "Hello, this is Ann.",
    "Hi, I would like to book an appointment for Tuesday at 3pm.",
    "Can you put me through to billing, please?",
    "Yes, that's fine.",
    "No.",
    "Thank you, goodbye!",
    "My number is +1 555 010 9999.",
    "Please leave a message after the tone.",
    "How much is it, more than $45.50?",
    "Is Dr. Kowalczyk in on Wednesdays?",
    "What's the weather like in Zürich?",
    "I have a terrible toothache and I need help right now.",
    "Do you accept walk-ins?",
)


def mulaw(samples: Samples) -> Samples:
    """Through a telephone line's mu-law and back."""
    x = samples.astype(np.float64) / 32768
    coded = np.rint(np.sign(x) * np.log1p(255 * np.abs(x)) / np.log1p(255) * 127) / 127
    decoded: NDArray[np.float64] = np.sign(coded) * (256 ** np.abs(coded) - 1) / 255
    return (decoded * 32767).astype(np.int16)


def opus(samples: Samples, lost: float = 0.0) -> Samples:
    """Through Opus at 24 kbit/s, in packets of 20 ms, of which some are lost."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48000, "mono", "s16"
    encoder.bit_rate, encoder.options = 24000, {"application": "voip", "frame_duration": "20"}
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48000, "mono"
    wide = resample(samples, RATE, 48000)
    wide = np.concatenate([wide, np.zeros(1920 - wide.size % 960, np.int16)])
    packets = []
    for at in range(0, wide.size, 960):
        frame = av.AudioFrame.from_ndarray(wide[None, at : at + 960], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, at, Fraction(1, 48000)
        packets += encoder.encode(frame)
    out, last, luck = [], np.zeros(960), np.random.default_rng(1)
    for packet in packets:
        if luck.random() < lost:
            last = last / 2
            out.append(last)
            continue
        for frame in decoder.decode(packet):
            last = frame.to_ndarray().reshape(-1).astype(np.float64)
            out.append(last if frame.format.name.startswith("s16") else last * 32767)
            last = out[-1]
    heard = np.clip(np.concatenate(out), -32768, 32767).astype(np.int16)
    return resample(heard, 48000, RATE)


def stretched(samples: Samples, seed: int = 0, most: int = 90) -> Samples:
    """As a jitter buffer stretches and shortens time: by 4 to 11 ms, now and then.

    `most` samples at once: 240 are what a machine under load does.
    """
    luck, parts, at = np.random.default_rng(seed), [], 0
    while at < samples.size:
        size = int(luck.integers(2000, 5000))
        parts.append(samples[at : at + size])
        at += size
        if at < samples.size:
            at += int(luck.choice([-1, 1]) * luck.integers(30, most))
    return np.concatenate(parts)


def on_a_line(samples: Samples, before: float = 0.5, after: float = 0.6) -> Samples:
    """Between two silences, in mu-law."""
    return mulaw(np.concatenate([silence(before, RATE), samples, silence(after, RATE)]))


def tone(*hertz: float, seconds: float = 1.0) -> Samples:
    """A beep, or a key's two tones."""
    time = np.arange(round(seconds * RATE)) / RATE
    waves = sum((np.sin(2 * np.pi * f * time) for f in hertz), np.zeros_like(time))
    return (waves * 6000 / len(hertz)).astype(np.int16)


async def events_in(sound: Samples, sentences: Sentences, rate: int = RATE) -> list[Event]:
    """All that transcriber notice in a sound that comes in chunks of 20 ms."""
    transcriber = Transcriber(sentences, rate)
    for at in range(0, sound.size, rate // 50):
        transcriber.push(sound[at : at + rate // 50])
    transcriber.close()
    return [event async for event in transcriber.events()]


async def heard_in(sound: Samples, sentences: Sentences, rate: int = RATE) -> list[Heard]:
    """The whole sentences in a sound."""
    events = await events_in(sound, sentences, rate)
    return [event for event in events if isinstance(event, Heard) and event.final]
