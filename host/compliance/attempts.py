"""Counts how often a number was dialled today, across all processes of a host.

The SQLite database of `state_dir` stores the number's pseudonym, not the number.
"""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

from host.base.database import has_state, open_state
from host.privacy import Pseudonyms

KEPT = 3 * 24 * 3600.0
"""Seconds for which an attempt is stored: longer than any day."""

_COUNT = "SELECT COUNT(*) FROM attempts WHERE number = ? AND at >= ?"


class Attempts:
    """Attempts of one host to dial numbers."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._names = Pseudonyms(state)

    def begin(self, number: str, since: datetime, limit: int) -> bool:
        """Count an attempt, unless there were `limit` since `since`; return whether it counted.

        Raises OSError or sqlite3.Error if it can't be counted.
        """
        name = self._names.of(number)
        with open_state(self._state) as attempts:
            (made,) = attempts.execute(_COUNT, (name, since.timestamp())).fetchone()
            if made >= limit:
                return False
            attempts.execute("DELETE FROM attempts WHERE at < ?", (time.time() - KEPT,))
            attempts.execute("INSERT INTO attempts VALUES (?, ?)", (name, time.time()))
        return True

    def are_left(self, number: str, since: datetime, limit: int) -> bool:
        """Return whether another attempt would be counted, without counting it."""
        if not has_state(self._state):
            return limit > 0
        with open_state(self._state) as attempts:
            name = self._names.of(number)
            (made,) = attempts.execute(_COUNT, (name, since.timestamp())).fetchone()
        return bool(made < limit)
