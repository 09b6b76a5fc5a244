"""How often a number was dialled today, counted across all processes of a host.

The count is in the SQLite file of `state_dir`, which has no number, only what stands for one there.
"""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

from host.base.database import has_state, open_state
from host.privacy import Pseudonyms

KEPT = 3 * 24 * 3600.0
"""Seconds that an attempt is remembered: longer than any day."""

_COUNT = "SELECT COUNT(*) FROM attempts WHERE number = ? AND at >= ?"


class Attempts:
    """The attempts of one host to reach numbers."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._names = Pseudonyms(state)

    def begin(self, number: str, since: datetime, limit: int) -> bool:
        """Count one more attempt, unless there were `limit` since then. Tells whether it counted.

        Raises OSError or sqlite3.Error where nothing can be counted.
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
        """Tell whether one more attempt would be counted, and count none."""
        if not has_state(self._state):
            return limit > 0
        with open_state(self._state) as attempts:
            name = self._names.of(number)
            (made,) = attempts.execute(_COUNT, (name, since.timestamp())).fetchone()
        return bool(made < limit)
