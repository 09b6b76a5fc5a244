"""Idempotency keys: prevents a second call for the same request.

A key is stored for a day in the SQLite database of `state_dir`, for all processes of a host. It is
released if its call ended before anyone was dialled or greeted.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import AbstractContextManager
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from host.base.database import has_state, open_state

KEPT = 24 * 3600.0
"""Seconds for which a key is stored."""


class NotClaimed(Exception):
    """The request already has a call, which the text names, or the database can't be read."""


class Request(NamedTuple):
    """A request whose key is used."""

    call: str
    """The call that has it; empty if it was given up."""
    outcome: str | None
    """None while the call is live."""
    reason: str | None


class GivenUp(Enum):
    """What became of the attempt to give a request up."""

    NO = "a call has it, is live or has ended"
    NOW = "no call may have it any more, and its end is not recorded yet"
    RECORDED = "no call may have it any more; a job of it has ended, and recorded how"


class Requests:
    """The requests of one host."""

    def __init__(self, state: Path, patience: float = 5.0) -> None:
        self._state, self._patience = state, patience

    def claim(self, key: str, call: str, room: str, room_sid: str) -> None:
        """Claim a key for a call; another job in the same room may claim it again.

        Raises NotClaimed if another call has it, or had it within the last day.
        """
        try:
            with self._open() as requests:
                _refuse_a_second(requests, key, room_sid)
                requests.execute(
                    "INSERT OR REPLACE INTO requests VALUES (?, ?, ?, ?, ?, NULL, NULL)",
                    (key, call, room, room_sid, time.time()),
                )
        except (OSError, sqlite3.Error) as error:
            text = f"can't look up whether this request already has a call: {error}"
            raise NotClaimed(text) from error

    def give_up(self, key: str, room: str, outcome: str, reason: str) -> GivenUp:
        """Claim a key for nobody, so that a late dispatch of it makes no call any more.

        If a job in the request's room has ended without a claim, its outcome is stored instead.
        Raises OSError or sqlite3.Error.
        """
        with self._open() as requests:
            _forget(requests)
            ended = requests.execute(
                "SELECT outcome, reason FROM ended_jobs WHERE room = ?", (room,)
            ).fetchone()
            given_up = requests.execute(
                "INSERT OR IGNORE INTO requests VALUES (?, '', '', '', ?, ?, ?)",
                (key, time.time(), *(ended or (outcome, reason))),
            )
            if given_up.rowcount == 0:
                return GivenUp.NO
            return GivenUp.RECORDED if ended else GivenUp.NOW

    def note_end(self, key: str, room: str, outcome: str, reason: str) -> bool:
        """Store the outcome of a job that never claimed its key, in case the request is given up.

        Returns False if it was given up before, and its end recorded then. The key stays free.
        Raises OSError or sqlite3.Error.
        """
        with self._open() as requests:
            _forget(requests)
            given_up = requests.execute(
                "SELECT 1 FROM requests WHERE key = ? AND call = '' "
                "AND NOT EXISTS (SELECT 1 FROM ended_jobs WHERE room = ?)",
                (key, room),
            ).fetchone()
            if given_up:
                return False
            requests.execute(
                "INSERT OR REPLACE INTO ended_jobs VALUES (?, ?, ?, ?)",
                (room, time.time(), outcome, reason),
            )
            return True

    def settle(self, call: str, outcome: str, reason: str, *, begun: bool) -> bool:
        """Store a call's outcome, or release its key if the call had not `begun`.

        Returns False if the call had claimed no key.
        """
        with self._open() as requests:
            if begun:
                settled = requests.execute(
                    "UPDATE requests SET outcome = ?, reason = ? WHERE call = ?",
                    (outcome, reason, call),
                )
            else:
                settled = requests.execute("DELETE FROM requests WHERE call = ?", (call,))
            return settled.rowcount == 1

    def note_results(self, key: str, results: str) -> None:
        """Store a call's results, as JSON, for the API that asked for it; for no other request.

        Raises OSError or sqlite3.Error.
        """
        with self._open() as requests:
            requests.execute(
                "INSERT OR REPLACE INTO api_results SELECT key, ?, ? FROM api_calls WHERE key = ?",
                (time.time(), results, key),
            )

    def find(self, key: str) -> Request | None:
        """Return the request of a key; None if it is unknown. Raises OSError or sqlite3.Error."""
        with self._open() as requests:
            query = "SELECT call, outcome, reason FROM requests WHERE key = ?"
            found = requests.execute(query, (key,)).fetchone()
        return Request(*found) if found else None

    def other_call(self, key: str, call: str) -> str | None:
        """Return the call that has a key, live or ended; None if it is `call`, or there is none.

        Raises OSError or sqlite3.Error.
        """
        request = self.find(key)
        return request.call if request and request.call and request.call != call else None

    def forget(self) -> None:
        """Delete keys older than a day. Raises sqlite3.Error or OSError."""
        if has_state(self._state):
            with self._open() as requests:
                _forget(requests)

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return open_state(self._state, self._patience)


def _refuse_a_second(requests: sqlite3.Connection, key: str, room_sid: str) -> None:
    _forget(requests)
    found = requests.execute(
        "SELECT call, room, room_sid, outcome, reason FROM requests WHERE key = ?", (key,)
    ).fetchone()
    if found is None:
        return
    call, room, sid, outcome, reason = found
    if sid and sid == room_sid:
        return
    if not call:
        raise NotClaimed(f"this request was given up: {reason}")
    went = f"{outcome}: {reason}" if outcome else "it is still live"
    raise NotClaimed(f"this request already has a call, {call} in room {room}: {went}")


def _forget(requests: sqlite3.Connection) -> None:
    until = time.time() - KEPT
    requests.execute("DELETE FROM requests WHERE begun < ?", (until,))
    requests.execute("DELETE FROM ended_jobs WHERE at < ?", (until,))
