"""What a telephone heard, in numbers: silences and first sounds of a recording at 8000 Hz."""

from __future__ import annotations

import numpy as np

from host.local.sound import RATE, Samples, loud

BLOCK = 0.02
"""Seconds of one look at the sound."""


def longest_silence(heard: Samples, begin: float, end: float) -> float:
    """Give the seconds of the longest silence between two seconds of a recording.

    What lies beyond the recording's end was not heard, and counts as silence.
    """
    first, last = (round(max(at, 0.0) * RATE) for at in (begin, end))
    part = np.zeros(max(last - first, 0), np.int16)
    there = heard[first:last]
    part[: there.size] = there
    edges = np.flatnonzero(np.diff(np.concatenate([[1], loud(part, block=BLOCK), [1]])))
    runs = edges[1::2] - edges[::2]
    return round(float(runs.max()) * BLOCK, 2) if runs.size else 0.0


def first_sound(heard: Samples, begin: float, end: float) -> float | None:
    """Give the second at which something is heard first, at `begin` or later; None: nothing is."""
    first, last = (round(max(at, 0.0) * RATE) for at in (begin, end))
    blocks = np.flatnonzero(loud(heard[first:last], block=BLOCK))
    return None if not blocks.size else max(begin, 0.0) + float(blocks[0]) * BLOCK
