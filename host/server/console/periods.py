"""Periods of the figures that end now, and the columns into which a plot divides them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta

PERIODS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}
_HOURS = {"24h": 24, "7d": 7 * 24, "30d": 30 * 24}
_STEPS = {"24h": timedelta(hours=1), "7d": timedelta(hours=6), "30d": timedelta(days=1)}
_FORMS = {"24h": "%H:%M", "7d": "%a %H", "30d": "%b %d"}
_EVERY = {"24h": 4, "7d": 4, "30d": 7}


@dataclass(frozen=True)
class Steps:
    """The columns of a period."""

    labels: list[str]
    every: int
    """Every n-th column has its label below."""
    _stamps: list[float]

    def place(self, at: float) -> int | None:
        """Return the column of a time, in seconds since the epoch; None before the first one."""
        place = bisect_right(self._stamps, at) - 1
        return place if place >= 0 else None


def begin_of(period: str, at: datetime) -> datetime:
    """Return when the first column of a period begins that ends at a time."""
    return _floor(at - timedelta(hours=_HOURS[period]), period)


def steps_of(period: str, at: datetime) -> Steps:
    """Return the columns of a period that ends at a time."""
    step, starts = _STEPS[period], [begin_of(period, at)]
    while (following := _floor(starts[-1] + step, period)) <= at:
        starts.append(following if following > starts[-1] else starts[-1] + step)
    labels = [f"{start:{_FORMS[period]}}" for start in starts]
    return Steps(labels, _EVERY[period], [start.timestamp() for start in starts])


def _floor(moment: datetime, period: str) -> datetime:
    """Return the beginning of the hour, of the quarter of a day, or of the day, local."""
    local = moment.astimezone().replace(tzinfo=None, minute=0, second=0, microsecond=0)
    hours = {"24h": 1, "7d": 6, "30d": 24}[period]
    return local.replace(hour=local.hour // hours * hours).astimezone()
