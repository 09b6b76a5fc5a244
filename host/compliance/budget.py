"""Counts a persona's live calls and its calls and minutes of the day, across all processes.

A call that was handed over counts for each persona, with its share: see `CallState.share_id`.
A live call counts with its maximum duration, so that simultaneous calls do not share the same
minutes. An ended call counts with its actual duration.

Counts are in the SQLite database of `state_dir`, for personas with such a limit only.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import AbstractContextManager
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from host.base.database import has_state, open_state
from host.base.processes import Process, this_process
from host.settings import PersonaSettings


class Exhausted(Exception):
    """A limit is reached. `today`: a daily limit; otherwise the limit of live calls."""

    def __init__(self, reason: str, *, today: bool) -> None:
        super().__init__(reason)
        self.today = today


class Used(NamedTuple):
    """What a persona has used up of a day."""

    calls: int
    """Its calls, live ones included."""
    live: int
    seconds: float
    """Seconds of talk; a live call counts with all that it may last."""


class Budget:
    """The calls of one host's personas."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def admit(
        self, call: str, persona: str, limits: PersonaSettings, *, before: float = 0.0
    ) -> float | None:
        """Count a new call; return the seconds of talk left today, None for no limit.

        A call that comes back to a persona counts on: `before` are its seconds so far, which are
        part of what is left. Raises Exhausted if a limit is reached.
        """
        if not is_limited(limits):
            return None
        with self._open() as calls:
            self._forget_the_dead(calls, persona, limits)
            self._require_free(calls, persona, limits, besides=call)
            left = self._left(calls, persona, limits, _today(), besides=call)
            calls.execute(
                "INSERT OR REPLACE INTO counted_calls VALUES (?, ?, ?, ?, NULL, ?, ?, ?)",
                (call, persona, _today(), time.time() - before, *astuple(this_process())),
            )
        return left

    def require(self, persona: str, limits: PersonaSettings, at: datetime) -> None:
        """Raise Exhausted if a daily limit is reached; count nothing."""
        if is_limited(limits) and has_state(self._state):
            with self._open() as calls:
                self._left(calls, persona, limits, _day_of(at))

    def used(self, persona: str, limits: PersonaSettings) -> Used:
        """Return what a persona has used up today; nothing, if nothing is counted."""
        if not (is_limited(limits) and has_state(self._state)):
            return Used(0, 0, 0.0)
        with self._open() as calls:
            return Used(*self._had(calls, persona, limits, _today()))

    def adopt(self, call: str, limits: PersonaSettings) -> float | None:
        """Move a call to this process; return the seconds of talk left, None for no limit."""
        if not is_limited(limits):
            return None
        with self._open() as calls:
            calls.execute(
                "UPDATE counted_calls SET seconds = NULL, machine = ?, process = ?, "
                "process_began = ? WHERE id = ?",
                (*astuple(this_process()), call),
            )
            found = calls.execute(
                "SELECT persona FROM counted_calls WHERE id = ?", (call,)
            ).fetchone()
            (persona,) = found or ("",)
            _, _, used = self._had(calls, persona, limits, _today(), besides=call)
        minutes = limits.max_minutes_a_day
        return None if minutes is None else max(minutes * 60 - used, 0.0)

    def settle(
        self, call: str, seconds: float, limits: PersonaSettings, *, made: bool = True
    ) -> None:
        """Store an ended call's duration. A call that was not `made` is not counted.

        That is a call that the gate refused, or that failed before it was dialled.
        """
        if not is_limited(limits):
            return
        with self._open() as calls:
            if made:
                calls.execute("UPDATE counted_calls SET seconds = ? WHERE id = ?", (seconds, call))
            else:
                calls.execute("DELETE FROM counted_calls WHERE id = ?", (call,))

    def _require_free(
        self, calls: sqlite3.Connection, persona: str, limits: PersonaSettings, besides: str
    ) -> None:
        (live,) = calls.execute(
            "SELECT COUNT(*) FROM counted_calls WHERE persona = ? AND seconds IS NULL AND id != ?",
            (persona, besides),
        ).fetchone()
        if limits.max_calls is not None and live >= limits.max_calls:
            text = f"{persona} has reached its limit of live calls ({limits.max_calls})"
            raise Exhausted(text, today=False)

    def _left(
        self,
        calls: sqlite3.Connection,
        persona: str,
        limits: PersonaSettings,
        day: str,
        besides: str = "",
    ) -> float | None:
        """Return the seconds of talk left on a day, None for no limit. Raises Exhausted."""
        had, live, used = self._had(calls, persona, limits, day, besides)
        if limits.max_calls_a_day is not None and had >= limits.max_calls_a_day:
            text = f"{persona} has reached its daily limit of calls ({limits.max_calls_a_day})"
            raise Exhausted(text, today=True)
        minutes = limits.max_minutes_a_day
        if minutes is None:
            return None
        if used >= minutes * 60:
            shared = f", including what its {live} live calls may use" if live else ""
            text = f"{persona} has reached its daily limit of minutes ({minutes:g}{shared})"
            raise Exhausted(text, today=True)
        return minutes * 60 - used

    def _had(
        self,
        calls: sqlite3.Connection,
        persona: str,
        limits: PersonaSettings,
        day: str,
        besides: str = "",
    ) -> tuple[int, int, float]:
        """Return the number of calls on a day, of live ones, and their seconds."""
        had, live, used = calls.execute(
            "SELECT COUNT(*), COUNT(*) - COUNT(seconds), "
            "TOTAL(COALESCE(seconds, ?)) FROM counted_calls "
            "WHERE persona = ? AND day = ? AND id != ?",
            (limits.max_duration, persona, day, besides),
        ).fetchone()
        return had, live, used

    def _forget_the_dead(
        self, calls: sqlite3.Connection, persona: str, limits: PersonaSettings
    ) -> None:
        """End the calls whose process is gone: their duration is the time since they began."""
        live = calls.execute(
            "SELECT id, begun, machine, process, process_began FROM counted_calls "
            "WHERE persona = ? AND seconds IS NULL",
            (persona,),
        ).fetchall()
        for call, begun, *process in live:
            if Process(*process).alive is False:
                lasted = min(time.time() - begun, limits.max_duration)
                calls.execute("UPDATE counted_calls SET seconds = ? WHERE id = ?", (lasted, call))
        calls.execute(
            "DELETE FROM counted_calls WHERE day < ? AND seconds IS NOT NULL", (_today(),)
        )

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return open_state(self._state)


def is_limited(limits: PersonaSettings) -> bool:
    """Return whether a persona has a limit that requires counting."""
    return not (limits.max_calls is limits.max_calls_a_day is limits.max_minutes_a_day is None)


def next_day(at: datetime) -> datetime:
    """Return when the next day begins, as budgets count days: by the host's local time."""
    midnight = at.astimezone().replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    # Not `astimezone()` of the naive time: where the clocks go forward at midnight, it is before.
    return datetime.fromtimestamp((midnight + timedelta(days=1)).timestamp(), UTC)


def _today() -> str:
    return _day_of(datetime.now())


def _day_of(at: datetime) -> str:
    return at.astimezone().date().isoformat()
