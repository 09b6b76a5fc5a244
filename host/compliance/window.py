"""The window of a scheduled call: when it may be placed, and when the gate allows that first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from host.base.errors import HostError
from host.compliance.gate import Gate
from host.compliance.verdict import Verdict

LENGTH = timedelta(days=1)
"""Length of a window without an end."""
GRACE = timedelta(minutes=1)
"""How long ago a window without an end may have begun: clocks differ, and requests take time."""
FURTHEST = timedelta(days=30)
"""How far ahead a window may begin."""
TRIES = 5
"""Moments within a window at which the gate is asked."""


class Window(NamedTuple):
    """When a call may be placed: from `begin`, and before `end`."""

    begin: datetime
    end: datetime


class NeverAllowed(Exception):
    """The gate does not allow a call at any time of its window."""

    def __init__(self, verdict: Verdict, window: Window) -> None:
        super().__init__(verdict.reason)
        self.verdict, self.window = verdict, window

    @property
    def reason(self) -> str:
        """Why, in one line."""
        if self.verdict.rule is None or not self.verdict.rule.passes:
            return self.verdict.reason
        end = self.window.end.isoformat(timespec="minutes")
        return f"{self.verdict.reason}, and not before {end}"


def window_of(
    not_before: datetime | None,
    not_after: datetime | None,
    now: datetime,
    names: tuple[str, str] = ("not_before", "not_after"),
) -> Window:
    """Return the window that a request asks for; times have a zone. Raises HostError.

    Without an end, it is a day long. `names` are what the error calls the two.
    """
    first, last = names
    begin = not_before or now
    end = not_after or begin + LENGTH
    if not_after is None and begin < now - GRACE:
        raise HostError(f"{first} is in the past")
    if end <= now:
        raise HostError(f"{last} is in the past")
    if end <= begin:
        raise HostError(f"{last} is not later than {first}")
    if begin > now + FURTHEST:
        raise HostError(f"{first} is more than {FURTHEST.days} days ahead")
    return Window(max(begin, now), end)


def first_moment(
    gate: Gate, number: str, window: Window, *, caller_id: str | None = None
) -> datetime:
    """Return the first time of a window at which the gate allows a number.

    It counts no attempt, and knows today's list and counts alone: the gate is asked again when the
    call is due. Raises NeverAllowed.
    """
    moment = window.begin
    for _ in range(TRIES):
        verdict = gate.dial(number, moment, attempt=False, caller_id=caller_id)
        if verdict.allowed:
            return moment
        again = verdict.retry_at
        if again is None or not moment < again < window.end:
            break
        moment = again
    raise NeverAllowed(verdict, window)
