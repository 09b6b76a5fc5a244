"""What many measured values come to: percentiles, and how far chance alone may move them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
"""How often values are drawn again for an interval."""
SEED = 19
"""Of the generator, so that the same values always give the same interval."""

Values = Sequence[float]
Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Takes an array whose last axis is the values, and gives one number for each row."""


def p50(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median."""
    return np.asarray(np.median(values, axis=-1))


def p95(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 95th percentile, interpolated; of few values it is close to the longest."""
    return np.asarray(np.percentile(values, 95, axis=-1))


def longest(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest value."""
    return np.asarray(np.max(values, axis=-1))


STATISTICS: dict[str, Statistic] = {"p50": p50, "p95": p95, "worst": longest}


@dataclass(frozen=True)
class Interval:
    """A statistic, and the limits within which chance alone moves it with 95 %."""

    value: float
    low: float
    high: float


def interval(values: Values, statistic: str = "p50") -> Interval:
    """Compute a statistic and its bootstrap interval. Raises ValueError without values."""
    drawn = _resampled(values, np.random.default_rng(SEED))
    low, high = np.percentile(STATISTICS[statistic](drawn), [2.5, 97.5])
    return Interval(of(values, statistic), float(low), float(high))


def of(values: Values, statistic: str) -> float:
    """Compute a statistic. Raises ValueError without values."""
    if not values:
        raise ValueError("nothing was measured")
    return float(STATISTICS[statistic](np.asarray(values, np.float64)))


def ratio(ours: Values, theirs: Values, statistic: str = "p50") -> Interval:
    """Divide a statistic of ours by theirs, with its bootstrap interval.

    Raises ValueError without values, or where theirs is zero.
    """
    below = of(theirs, statistic)
    if below == 0:
        raise ValueError("there is no ratio to zero")
    chance = np.random.default_rng(SEED)
    compute = STATISTICS[statistic]
    above = compute(_resampled(ours, chance))
    under = compute(_resampled(theirs, chance))
    low, high = np.percentile(above / np.where(under == 0, np.nan, under), [2.5, 97.5])
    return Interval(of(ours, statistic) / below, float(low), float(high))


def _resampled(values: Values, chance: np.random.Generator) -> NDArray[np.float64]:
    given = np.asarray(values, np.float64)
    if not given.size:
        raise ValueError("nothing was measured")
    return given[chance.integers(0, given.size, (RESAMPLES, given.size))]
