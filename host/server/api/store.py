"""Calls of the API, in the SQLite database of `state_dir`, so that they survive a restart.

It stores the number as records do, and no details: at most the call's record has them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from host.base.database import has_state, open_state
from host.records.recent import Key
from host.server.api.schemas import AskedCall, WantedCall

log = logging.getLogger("host")

AT_A_TIME = 200
"""Calls that are read in one transaction."""
KEPT = 7 * 24 * 3600.0
"""Seconds for which a call and its idempotency key are stored."""


_WITH_RESULTS = "FROM api_calls LEFT JOIN api_results USING (key)"
_IS_KEPT = "(asked >= ?1 OR id IN (SELECT id FROM scheduled_calls WHERE until >= ?1))"
"""Whether a call is known since a time: a scheduled one since the end of its window."""


class Different(Exception):
    """Another request used this idempotency key."""


class CallStore:
    """The calls of one host's API."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def find(self, key: str, wanted: WantedCall) -> AskedCall | None:
        """Return the call of an idempotency key. Raises Different if the requests differ."""
        with self._open() as calls:
            return _find(calls, key, wanted)

    def add(self, key: str, wanted: WantedCall, asked: AskedCall) -> AskedCall | None:
        """Store a call, or return the one that has its key already. Raises Different."""
        with self._open() as calls:
            _forget(calls)
            if found := _find(calls, key, wanted):
                return found
            document, at = asked.model_dump_json(), asked.asked_at.timestamp()
            row = (asked.id, key, _fingerprint(asked.id, wanted), at, document)
            calls.execute("INSERT INTO api_calls VALUES (?, ?, ?, ?, 0, ?)", row)
            return None

    def mark_taken(self, id: str) -> None:
        """Store that a host has taken a call: it writes the record."""
        with self._open() as calls:
            told = "json_set(told, '$.taken', json('true'))"
            calls.execute(f"UPDATE api_calls SET told = {told} WHERE id = ?", (id,))

    def end(self, asked: AskedCall) -> None:
        """Store a call's outcome."""
        with self._open() as calls:
            # Results have a table of their own, and an age of their own.
            document = asked.model_dump_json(exclude={"results"})
            calls.execute(
                "UPDATE api_calls SET over = 1, told = ? WHERE id = ?", (document, asked.id)
            )

    def read(self, id: str) -> tuple[str, AskedCall] | None:
        """Return a call by its id, with its idempotency key; None if unknown or expired."""
        with self._open() as calls:
            query = f"SELECT key, told, results {_WITH_RESULTS} WHERE {_IS_KEPT} AND id = ?2"
            found = calls.execute(query, (time.time() - KEPT, id)).fetchone()
        return (found[0], _asked(*found[1:])) if found else None

    def forget_results(self, before: datetime) -> None:
        """Delete results from before a time. Raises sqlite3.Error or OSError."""
        if has_state(self._state):
            with self._open() as calls:
                calls.execute("DELETE FROM api_results WHERE at < ?", (before.timestamp(),))

    def newest(
        self, *, before: Key | None, persona: str | None, references: Collection[str] | None = None
    ) -> Iterator[AskedCall]:
        """Yield the calls before a key, newest first, also those that are not over.

        `references` are those of the calls, as they are stored; None: any.
        """
        named = None if references is None else json.dumps([*references])
        at, id = (before[0].timestamp(), before[1]) if before else (math.inf, "")
        query = (
            f"SELECT asked, id, told, results {_WITH_RESULTS} "
            "WHERE (asked, id) < (?, ?) AND asked >= ? "
            f"AND (? IS NULL OR {_fact('persona')} = ?) "
            f"AND (? IS NULL OR {_fact('reference')} IN (SELECT value FROM json_each(?))) "
            "ORDER BY asked DESC, id DESC LIMIT ?"
        )
        while True:
            with self._open() as calls:  # short, since it keeps everybody else from writing
                since = time.time() - KEPT
                facts = (at, id, since, persona, persona, named, named, AT_A_TIME)
                rows = calls.execute(query, facts).fetchall()
            for _, _, told, results in rows:
                with contextlib.suppress(sqlite3.DataError):  # `unfinished` reports it
                    yield _asked(told, results)
            if len(rows) < AT_A_TIME:
                return
            at, id, *_ = rows[-1]

    def rooms_among(self, rooms: Iterable[str]) -> set[str]:
        """Return those of some rooms that calls of this API have."""
        query = f"SELECT 1 FROM api_calls WHERE {_fact('room')} = ? AND asked >= ?"
        since = time.time() - KEPT
        with self._open() as calls:
            return {room for room in rooms if calls.execute(query, (room, since)).fetchone()}

    def unfinished(self) -> list[tuple[str, AskedCall, bool]]:
        """Return the calls without an outcome, each with its key, and whether a host took it."""
        with self._open() as calls:
            _forget(calls)
            rows = calls.execute("SELECT id, key, told FROM api_calls WHERE NOT over").fetchall()
            return list(_readable(calls, rows))

    def forget(self) -> None:
        """Delete expired calls. Raises sqlite3.Error or OSError."""
        if has_state(self._state):
            with self._open() as calls:
                _forget(calls)

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return open_state(self._state)


def room_of_request(state: Path, id: str) -> str | None:
    """Return the room of a call by its id in the API; None if it is unknown or unreadable."""
    if not has_state(state):
        return None
    try:
        found = CallStore(state).read(id)
    except (OSError, sqlite3.Error) as error:
        log.warning("can't look up the API's calls: %s", error)
        return None
    return found[1].room if found else None


def _fact(name: str) -> str:
    """Return SQL for a fact of a call, as the index of `host.base.database` has it."""
    return f"CASE WHEN json_valid(told) THEN json_extract(told, '$.{name}') END"


def _forget(calls: sqlite3.Connection) -> None:
    calls.execute(f"DELETE FROM api_calls WHERE NOT {_IS_KEPT}", (time.time() - KEPT,))
    calls.execute("DELETE FROM api_results WHERE key NOT IN (SELECT key FROM api_calls)")


def _find(calls: sqlite3.Connection, key: str, wanted: WantedCall) -> AskedCall | None:
    query = f"SELECT id, request, told, results {_WITH_RESULTS} WHERE {_IS_KEPT} AND key = ?2"
    found = calls.execute(query, (time.time() - KEPT, key)).fetchone()
    if found is None:
        return None
    id, request, document, results = found
    if request != _fingerprint(id, wanted):
        raise Different
    return _asked(document, results)


def _readable(
    calls: sqlite3.Connection, rows: Iterable[tuple[str, str, str]]
) -> Iterator[tuple[str, AskedCall, bool]]:
    """Yield calls as `unfinished` returns them; an unreadable one is marked as over."""
    for id, key, document in rows:
        try:
            yield key, _asked(document), "taken" in json.loads(document)
        except sqlite3.DataError as error:
            log.error("can't resume the API's call %s: %s", id, error)
            calls.execute("UPDATE api_calls SET over = 1 WHERE id = ?", (id,))


def _asked(document: str, results: str | None = None) -> AskedCall:
    """Parse a call and its results. Raises DataError if another version of the host wrote it."""
    try:
        asked = AskedCall.model_validate_json(document)
        return asked.model_copy(update={"results": json.loads(results)}) if results else asked
    except ValidationError:
        raise sqlite3.DataError("another version of the host wrote it") from None


def _fingerprint(id: str, wanted: WantedCall) -> str:
    """Hash a request, salted with the call's id, to compare requests without storing them."""
    request = wanted.model_dump(exclude={"idempotency_key"})
    for moment in ("not_before", "not_after"):
        request[moment] = request[moment] and request[moment].isoformat()
    # Those that are unset: as in requests of hosts without them.
    for newer in ("reference", "dtmf", "caller_id", "not_before", "not_after"):
        if request[newer] is None:
            del request[newer]
    text = json.dumps([id, request], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
