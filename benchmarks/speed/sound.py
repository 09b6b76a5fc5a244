"""What a caller heard, in numbers: the first sound and the longest gap in it, at 8000 Hz."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from host.local.sound import RATE, Samples, loud

BLOCK = 0.005
"""Seconds of one look at the sound."""


def onset(samples: Samples) -> float | None:
    """Return the seconds from the first sample to the first sound; None if it is all silent."""
    found = np.flatnonzero(loud(samples, block=BLOCK))
    return float(found[0]) * BLOCK if found.size else None


def end_of_sound(samples: Samples) -> float:
    """Return the seconds from the first sample to the end of the last sound; 0 if all is silent."""
    found = np.flatnonzero(loud(samples, block=BLOCK))
    return float(found[-1] + 1) * BLOCK if found.size else 0.0


def longest_gap(samples: Samples, *, whole: bool = True) -> float:
    """Return the seconds of the longest silence.

    With `whole=False`, silence before the first sound and after the last one does not count; where
    nothing sounds at all, everything is a gap.
    """
    sounds = loud(samples, block=BLOCK)
    if not whole and sounds.any():
        first, last = np.flatnonzero(sounds)[[0, -1]]
        sounds = sounds[first : last + 1]
    return float(max(_lengths(~sounds), default=0)) * BLOCK


def trimmed(samples: Samples) -> Samples:
    """Return speech without the silence around it, so that its last sample is known."""
    first = onset(samples) or 0.0
    return samples[round(first * RATE) : round(end_of_sound(samples) * RATE)]


def _lengths(quiet: NDArray[np.bool_]) -> list[int]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(np.int8), [0]])))
    return [int(length) for length in edges[1::2] - edges[::2]]
