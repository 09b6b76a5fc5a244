"""How many calls a persona has at once and had today, counted across all processes of a host.

The count is a SQLite file in `state_dir`; it is kept only for personas that have such a limit.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import AbstractContextManager
from dataclasses import astuple
from datetime import datetime
from pathlib import Path

from host.processes import Process, this_process
from host.settings import PersonaSettings
from host.state import open_table

_TABLE = """
CREATE TABLE IF NOT EXISTS calls (
    id TEXT PRIMARY KEY, persona TEXT, day TEXT, begun REAL, seconds REAL,
    machine TEXT, process INTEGER, process_began REAL
)
"""


class Exhausted(Exception):
    """A limit is reached. `today` says whether it is one of the day, or of calls at once."""

    def __init__(self, reason: str, *, today: bool) -> None:
        super().__init__(reason)
        self.today = today


class Budget:
    """The calls of one host's personas."""

    def __init__(self, state: Path) -> None:
        self._file = state / "calls-today.db"

    def admit(self, call: str, persona: str, limits: PersonaSettings) -> float | None:
        """Count a call in; give the seconds of talk left today, None for no limit.

        Raises Exhausted where it would be one too many.
        """
        if not is_limited(limits):
            return None
        with self._open() as calls:
            self._forget_the_dead(calls, persona)
            used = self._check(calls, persona, limits)
            calls.execute(
                "INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?, NULL, ?, ?, ?)",
                (call, persona, _today(), time.time(), *astuple(this_process())),
            )
        if limits.max_minutes_a_day is None:
            return None
        return limits.max_minutes_a_day * 60 - used

    def adopt(self, call: str, limits: PersonaSettings) -> float | None:
        """Count a call on that another process had; give the seconds of talk left, or None."""
        if not is_limited(limits):
            return None
        with self._open() as calls:
            calls.execute(
                "UPDATE calls SET seconds = NULL, machine = ?, process = ?, process_began = ? "
                "WHERE id = ?",
                (*astuple(this_process()), call),
            )
            (used,) = calls.execute(
                "SELECT SUM(COALESCE(seconds, 0)) FROM calls WHERE day = ? AND id != ? "
                "AND persona = (SELECT persona FROM calls WHERE id = ?)",
                (_today(), call, call),
            ).fetchone()
        minutes = limits.max_minutes_a_day
        return None if minutes is None else minutes * 60 - (used or 0.0)

    def settle(self, call: str, seconds: float, limits: PersonaSettings) -> None:
        """Say that a call is over, and how long it was."""
        if is_limited(limits):
            with self._open() as calls:
                calls.execute("UPDATE calls SET seconds = ? WHERE id = ?", (seconds, call))

    def _check(self, calls: sqlite3.Connection, persona: str, limits: PersonaSettings) -> float:
        """Raise Exhausted, or give the seconds of talk that were used today."""
        (live,) = calls.execute(
            "SELECT COUNT(*) FROM calls WHERE persona = ? AND seconds IS NULL", (persona,)
        ).fetchone()
        if limits.max_calls is not None and live >= limits.max_calls:
            raise Exhausted(f"{persona} has {live} calls, all that it may have.", today=False)
        today, used = calls.execute(
            "SELECT COUNT(*), SUM(COALESCE(seconds, ? - begun)) FROM calls "
            "WHERE persona = ? AND day = ?",
            (time.time(), persona, _today()),
        ).fetchone()
        if limits.max_calls_a_day is not None and today >= limits.max_calls_a_day:
            raise Exhausted(f"{persona} has had its {today} calls of today.", today=True)
        minutes = limits.max_minutes_a_day
        if minutes is not None and (used or 0.0) >= minutes * 60:
            raise Exhausted(f"{persona} has had its {minutes:g} minutes of today.", today=True)
        return float(used or 0.0)

    def _forget_the_dead(self, calls: sqlite3.Connection, persona: str) -> None:
        """Count out the calls whose process is gone without a word."""
        live = calls.execute(
            "SELECT id, begun, machine, process, process_began FROM calls "
            "WHERE persona = ? AND seconds IS NULL",
            (persona,),
        ).fetchall()
        for call, begun, *process in live:
            if Process(*process).alive is False:
                lasted = time.time() - begun
                calls.execute("UPDATE calls SET seconds = ? WHERE id = ?", (lasted, call))
        calls.execute("DELETE FROM calls WHERE day < ? AND seconds IS NOT NULL", (_today(),))

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return open_table(self._file, _TABLE)


def is_limited(limits: PersonaSettings) -> bool:
    """Tell whether a persona's calls have to be counted."""
    return not (limits.max_calls is limits.max_calls_a_day is limits.max_minutes_a_day is None)


def _today() -> str:
    return datetime.now().astimezone().date().isoformat()
