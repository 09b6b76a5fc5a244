"""Audio as mono int16 samples, and silence."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.int16]


def silence(seconds: float, rate: int) -> Samples:
    """Return digital silence at `rate` Hz."""
    return np.zeros(round(seconds * rate), np.int16)


def trim(samples: Samples, rate: int, lead: float = 0.02, tail: float = 0.06) -> Samples:
    """Cut silence (under 1 % of the peak) from the ends, except `lead` and `tail` seconds."""
    level = np.abs(samples.astype(np.int32))
    loud = np.flatnonzero(level > max(level.max(initial=0) * 0.01, 1))
    if not loud.size:
        return samples[:0]
    return samples[max(loud[0] - round(lead * rate), 0) : loud[-1] + 1 + round(tail * rate)]
