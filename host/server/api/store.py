"""The calls that the API was asked for: in the SQLite file of `state_dir`, which outlives the host.

It has no number and no details: they are in the call's record, if anywhere.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from pydantic import ValidationError

from host.base.database import has_state, open_state
from host.server.api.schemas import AskedCall, WantedCall

log = logging.getLogger("host")

KEPT = 7 * 24 * 3600.0
"""Seconds that a call is remembered, and its idempotency key with it."""


class Different(Exception):
    """Another request had this idempotency key."""


class CallStore:
    """The calls that one host's API was asked for."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def find(self, key: str, wanted: WantedCall) -> AskedCall | None:
        """Return the call of an idempotency key. Raises Different where it is not this one's."""
        with self._open() as calls:
            return _find(calls, key, wanted)

    def add(self, key: str, wanted: WantedCall, asked: AskedCall) -> AskedCall | None:
        """Write a call down; or return the one that its key has already. Raises Different."""
        with self._open() as calls:
            _forget(calls)
            if found := _find(calls, key, wanted):
                return found
            told, at = asked.model_dump_json(), asked.asked_at.timestamp()
            row = (asked.id, key, _fingerprint(asked.id, wanted), at, told)
            calls.execute("INSERT INTO api_calls VALUES (?, ?, ?, ?, 0, ?)", row)
            return None

    def end(self, asked: AskedCall) -> None:
        """Write down how a call went."""
        with self._open() as calls:
            told = asked.model_dump_json()
            calls.execute("UPDATE api_calls SET over = 1, told = ? WHERE id = ?", (told, asked.id))

    def read(self, id: str) -> AskedCall | None:
        """Return a call by its id."""
        with self._open() as calls:
            query = "SELECT told FROM api_calls WHERE id = ? AND asked >= ?"
            found = calls.execute(query, (id, time.time() - KEPT)).fetchone()
        return _asked(found[0]) if found else None

    def unfinished(self) -> list[tuple[str, AskedCall]]:
        """Return the calls whose end is not written down, each with its idempotency key."""
        with self._open() as calls:
            _forget(calls)
            rows = calls.execute("SELECT id, key, told FROM api_calls WHERE NOT over").fetchall()
            return list(_readable(calls, rows))

    def forget(self) -> None:
        """Forget calls of more than a week ago. Raises sqlite3.Error or OSError."""
        if has_state(self._state):
            with self._open() as calls:
                _forget(calls)

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return open_state(self._state)


def _forget(calls: sqlite3.Connection) -> None:
    calls.execute("DELETE FROM api_calls WHERE asked < ?", (time.time() - KEPT,))


def _find(calls: sqlite3.Connection, key: str, wanted: WantedCall) -> AskedCall | None:
    query = "SELECT id, request, told FROM api_calls WHERE key = ? AND asked >= ?"
    found = calls.execute(query, (key, time.time() - KEPT)).fetchone()
    if found is None:
        return None
    id, request, told = found
    if request != _fingerprint(id, wanted):
        raise Different
    return _asked(told)


def _readable(
    calls: sqlite3.Connection, rows: Iterable[tuple[str, str, str]]
) -> Iterator[tuple[str, AskedCall]]:
    """Give calls with their keys; one that can't be read is over."""
    for id, key, told in rows:
        try:
            yield key, _asked(told)
        except sqlite3.DataError as error:
            log.error("can't resume the API's call %s: %s", id, error)
            calls.execute("UPDATE api_calls SET over = 1 WHERE id = ?", (id,))


def _asked(told: str) -> AskedCall:
    """Read a call. Raises DataError where another version of the host wrote it otherwise."""
    try:
        return AskedCall.model_validate_json(told)
    except ValidationError:
        raise sqlite3.DataError("another version of the host wrote it") from None


def _fingerprint(id: str, wanted: WantedCall) -> str:
    """Tell requests apart without keeping them; equal ones of two calls look different."""
    request = wanted.model_dump(exclude={"idempotency_key"})
    text = json.dumps([id, request], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
