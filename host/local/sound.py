"""Telephone audio, mono int16 at 8000 Hz: G.711 quality, tones, levels, WAV files."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8000
"""Sample rate of telephone audio, in Hz."""

Samples = NDArray[np.int16]

QUIETEST = -100.0
"""Level of digital silence in `level`, in dBFS."""


def encode_mulaw(samples: Samples) -> NDArray[np.uint8]:
    """Encode to G.711 mu-law, like `ulaw_compress` of ITU-T G.191's reference code."""
    linear = samples.astype(np.int32)
    # The reference uses the one's complement of negative samples, so that every decision value of
    # G.711 belongs to the interval above it. Sun's well-known code differs only in that.
    magnitude = np.minimum((np.where(linear < 0, ~linear, linear) >> 2) + 33, 0x1FFF)
    segment = np.frexp((magnitude >> 6).astype(np.float64))[1] + 1
    code = ((8 - segment) << 4) | (0xF - ((magnitude >> segment) & 0xF))
    return np.asarray(np.where(linear < 0, code, code | 0x80), np.uint8)


def decode_mulaw(codes: NDArray[np.uint8]) -> Samples:
    """Decode G.711 mu-law codes (ITU-T G.711 table 2)."""
    inverted = ~codes.astype(np.int32) & 0xFF
    exponent, mantissa = (inverted >> 4) & 7, inverted & 0xF
    magnitude = (((mantissa << 1) + 33) << (exponent + 2)) - 132
    return np.where(inverted & 0x80, -magnitude, magnitude).astype(np.int16)


_EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
_THROUGH_THE_LINE = decode_mulaw(encode_mulaw(_EVERY_SAMPLE))


def telephone_line(samples: Samples) -> Samples:
    """Return samples after G.711 encoding and decoding."""
    return _THROUGH_THE_LINE[samples.astype(np.int32) + 32768]


def silence(seconds: float) -> Samples:
    """Return `seconds` of digital silence."""
    return np.zeros(round(seconds * RATE), np.int16)


def tone(hz: float, seconds: float, level: float = -12.0) -> Samples:
    """Return a sine of `hz`; `level` is its RMS in dBFS. Its ends are faded over 5 ms."""
    time = np.arange(round(seconds * RATE)) / RATE
    peak = 32767 * np.sqrt(2) * 10 ** (level / 20)
    edge = np.minimum(1, np.minimum(time, time[::-1]) / 0.005)
    return np.asarray(np.clip(peak * edge * np.sin(2 * np.pi * hz * time), -32767, 32767), np.int16)


def ringback(start: int, count: int) -> Samples:
    """Return `count` samples of ringback, from sample `start` on.

    ETSI ringback as in livekit-sip's `play_dialtone`: 425 Hz, 1 s on and 4 s off.
    """
    index = np.arange(start, start + count)
    sine = 8000 * np.sin(2 * np.pi * 425 * index / RATE)
    return np.where(index % (5 * RATE) < RATE, sine, 0).astype(np.int16)


def level(samples: Samples) -> float:
    """Return the RMS in dBFS: 0 is a full-scale square wave, `QUIETEST` is silence."""
    if not samples.size:
        return QUIETEST
    power = float(np.mean(np.square(samples.astype(np.float64) / 32768)))
    return max(QUIETEST, 10 * float(np.log10(power))) if power > 0 else QUIETEST


def purity(samples: Samples, hz: float) -> float:
    """Return the share of power within 20 Hz of `hz`, 0 to 1."""
    if not samples.size:
        return 0.0
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size))) ** 2
    pitch = np.fft.rfftfreq(samples.size, 1 / RATE)
    total = float(spectrum.sum())
    return float(spectrum[np.abs(pitch - hz) <= 20].sum()) / total if total else 0.0


def loud(samples: Samples, above: float = -45.0, block: float = 0.02) -> NDArray[np.bool_]:
    """Return for each `block` of seconds whether its level is over `above` dBFS."""
    size = round(block * RATE)
    whole = samples[: samples.size // size * size].reshape(-1, size).astype(np.float64) / 32768
    return np.asarray(np.mean(np.square(whole), axis=1) > 10 ** (above / 10))


def save_wav(path: Path | str, samples: Samples) -> None:
    """Write mono (n) or stereo (n, 2) samples as a 16-bit WAV file at 8000 Hz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
