"""Calls that are to be placed later, in the database of `state_dir`: they survive a restart.

Whoever asks for such a call writes its request here: the API, a command, a tool. The host places it
when it is due, see `host.server.api.scheduled`. The request, with its number and details, is
deleted once the call is over.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from host.base.database import has_state, open_state

KEPT = 7 * 24 * 3600.0
"""Seconds after the end of its window for which a call is known."""
MOST = 10_000
"""Maximum number of calls that wait."""
_FACTS = "id, key, due, until, request, placed, cancelled"


class AlreadyScheduled(Exception):
    """Another request has this idempotency key, and is scheduled."""


class Full(Exception):
    """Too many calls wait already."""


class Scheduled(NamedTuple):
    """A call that waits, or is being placed."""

    id: str
    key: str
    """The idempotency key of the request."""
    due: datetime
    """When to place it: later than the request's `not_before` if the gate wants that."""
    until: datetime
    request: str
    """The request of the API, as JSON."""
    placed: bool = False
    """Whether a host has begun to place it."""
    cancelled: str | None = None
    """Why it is not to be placed any more."""


class Schedule:
    """The scheduled calls of one host. All methods raise OSError or sqlite3.Error."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def add(self, call: Scheduled) -> None:
        """Store a call. Raises AlreadyScheduled if its key is used, and Full."""
        due, until = call.due.timestamp(), call.until.timestamp()
        with self._open() as calls:
            (waiting,) = calls.execute(
                "SELECT count(*) FROM scheduled_calls WHERE request IS NOT NULL"
            ).fetchone()
            if waiting >= MOST:
                raise Full
            try:
                calls.execute(
                    f"INSERT INTO scheduled_calls ({_FACTS}) VALUES (?, ?, ?, ?, ?, 0, NULL)",
                    (call.id, call.key, due, until, call.request),
                )
            except sqlite3.IntegrityError:
                raise AlreadyScheduled from None

    def waiting(self) -> list[Scheduled]:
        """Return the calls that are not over, those that are due first, first."""
        return self._select("request IS NOT NULL")

    def due(self, at: datetime) -> list[Scheduled]:
        """Return the calls to be placed, or given up, at a time. Forgets those that are over."""
        if not has_state(self._state):
            return []
        with self._open() as calls:
            calls.execute(
                "UPDATE scheduled_calls SET request = NULL WHERE request IS NOT NULL "
                "AND id IN (SELECT id FROM api_calls WHERE over)"
            )
            calls.execute(
                "DELETE FROM scheduled_calls WHERE request IS NULL AND until < ?",
                (time.time() - KEPT,),
            )
        wanted = "request IS NOT NULL AND NOT placed AND (due <= ? OR cancelled IS NOT NULL)"
        return self._select(wanted, at.timestamp())

    def not_asked(self) -> list[Scheduled]:
        """Return the calls that are not yet among those of the API."""
        return self._select("request IS NOT NULL AND id NOT IN (SELECT id FROM api_calls)")

    def find(self, id: str) -> Scheduled | None:
        """Return a call that is not over, by its ID; None if there is none."""
        return next(iter(self._select("request IS NOT NULL AND id = ?", id)), None)

    def of_key(self, key: str) -> Scheduled | None:
        """Return a call that is not over, by its idempotency key; None if there is none."""
        return next(iter(self._select("request IS NOT NULL AND key = ?", key)), None)

    def postpone(self, id: str, due: datetime) -> None:
        """Place a call later."""
        self._change("UPDATE scheduled_calls SET due = ? WHERE id = ?", due.timestamp(), id)

    def begin(self, id: str) -> bool:
        """Note that a call is being placed; False if it was cancelled meanwhile."""
        begun = "UPDATE scheduled_calls SET placed = 1 WHERE id = ? AND cancelled IS NULL"
        return self._change(begun, id)

    def begin_again(self, id: str) -> None:
        """Let a call be placed once more: no host has taken it, and the one that tried is gone."""
        self._change("UPDATE scheduled_calls SET placed = 0 WHERE id = ?", id)

    def drop(self, id: str) -> None:
        """Forget the request of a call that can't be placed."""
        self._change("UPDATE scheduled_calls SET request = NULL WHERE id = ?", id)

    def cancel(self, id: str, reason: str) -> bool:
        """Cancel a call; False if it does not wait any more."""
        if not has_state(self._state):
            return False
        waits = "request IS NOT NULL AND NOT placed AND cancelled IS NULL"
        cancelled = f"UPDATE scheduled_calls SET cancelled = ? WHERE id = ? AND {waits}"
        return self._change(cancelled, reason, id)

    def _select(self, wanted: str, *values: object) -> list[Scheduled]:
        if not has_state(self._state):
            return []
        with self._open() as calls:
            query = f"SELECT {_FACTS} FROM scheduled_calls WHERE {wanted} ORDER BY due, id"
            return [_read(*row) for row in calls.execute(query, values).fetchall()]

    def _change(self, statement: str, *values: object) -> bool:
        with self._open() as calls:
            return calls.execute(statement, values).rowcount == 1

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return open_state(self._state)


def _read(
    id: str, key: str, due: float, until: float, request: str, placed: int, cancelled: str | None
) -> Scheduled:
    moments = datetime.fromtimestamp(due, UTC), datetime.fromtimestamp(until, UTC)
    return Scheduled(id, key, *moments, request, bool(placed), cancelled)
