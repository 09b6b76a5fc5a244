"""When a row is tried again, and how fast a campaign may go."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from host.dispatch.campaigns.model import Row
from host.records.outcome import Kind, Outcome

WINDOW = 20
"""Last calls that the pace depends on."""
FEW = 8
"""Calls after which an answer rate says something."""
LOW = 0.15
"""Answer rate below which a campaign goes at half its speed: carriers punish such trunks."""
IN_A_ROW = 5
"""Failures of the trunk in a row that open the circuit breaker."""
OTHER_HOURS = timedelta(hours=1)
"""How far the times of day of two attempts are apart, at least."""
MOST = 3
"""Attempts for each try: those that dialled nothing count only so far."""

_DAY = timedelta(days=1)


def next_try(row: Row, tries: int, spacing: float, at: datetime) -> datetime | None:
    """Return when a row whose call may be repeated is tried again; None if it was often enough.

    It is `spacing` seconds later or more, and at another time of day than all earlier attempts.
    """
    dialled = [each for each in row.attempts if not each.outcome or each.outcome.dialled]
    if len(dialled) >= tries or len(row.attempts) >= tries * MOST:
        return None
    due = at + timedelta(seconds=spacing)
    if timedelta(seconds=spacing) < OTHER_HOURS:
        return due  # who wants a short time means it
    for _ in range(24):
        if all(_apart(due, each.begun_at) >= OTHER_HOURS for each in dialled):
            break
        due += OTHER_HOURS
    return due


def _apart(one: datetime, other: datetime) -> timedelta:
    """Return how far two times of day are apart."""
    between = (one - other) % _DAY
    return min(between, _DAY - between)


class Pace:
    """How fast one campaign goes, as its last calls were."""

    def __init__(self) -> None:
        self._last: deque[Outcome] = deque(maxlen=WINDOW)

    def note(self, outcome: Outcome) -> None:
        """Note the outcome of a call."""
        self._last.append(outcome)

    def share(self) -> float:
        """Return the share of the wanted speed at which to go on: above 0, at most 1."""
        last = list(self._last)
        dialled = [each for each in last if each.dialled]
        share = 1.0 - sum(each.kind is Kind.FAILED for each in last) / WINDOW
        answered = sum(each.answered for each in dialled)
        if len(dialled) >= FEW and answered / len(dialled) < LOW:
            share /= 2
        return max(share, 0.1)

    def at_once(self, wanted: int) -> int:
        """Return how many calls may go on at the same time."""
        return max(1, round(wanted * self.share()))

    @property
    def broken(self) -> bool:
        """Whether the trunk has failed so often in a row that the campaign must stop."""
        return is_broken([*self._last])


def is_broken(last: Sequence[Outcome]) -> bool:
    """Return whether the last calls all failed, at least IN_A_ROW of them."""
    return len(last) >= IN_A_ROW and all(each.kind is Kind.FAILED for each in last[-IN_A_ROW:])
