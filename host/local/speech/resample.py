"""Resamples a whole clip without aliasing."""

from math import gcd

import numpy as np
from numpy.typing import NDArray

from host.local.speech.audio import Samples


def resample(samples: Samples, rate: int, to: int) -> Samples:
    """Return the clip at `to` Hz: its spectrum cut or padded, with a soft edge against ringing."""
    if rate == to or not samples.size:
        return samples
    step = rate // gcd(rate, to)
    padded = -(-samples.size // step) * step + step * 10
    spectrum = np.fft.rfft(samples.astype(np.float64), padded)
    wanted = padded * to // rate
    bins = wanted // 2 + 1
    if to < rate:
        spectrum = spectrum[:bins] * _soft_edge(bins)
    clip = np.fft.irfft(spectrum, wanted) * (to / rate)
    length = -(-samples.size * to // rate)
    return np.clip(np.rint(clip[:length]), -32768, 32767).astype(np.int16)


def _soft_edge(bins: int) -> NDArray[np.float64]:
    """Return a filter: 1 in the lower 93 % of the band, then half a cosine to 0."""
    edge = np.ones(bins)
    fall = max(bins * 7 // 100, 1)
    edge[-fall:] = 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, fall))
    return edge
