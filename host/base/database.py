"""The SQLite database `state.db` in `state_dir`, shared by all processes of a host.

Each table belongs to one module, but all are created here, so that there is one sequence of
migrations: `user_version` is the number applied.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

log = logging.getLogger("host")

NAME = "state.db"
ATTEMPTS = 4
"""How often a transaction is begun if the disk reports an error."""
PAUSE = 0.05
"""Seconds between them."""

_FIRST = (
    # host.compliance.attempts
    "CREATE TABLE attempts (number TEXT, at REAL)",
    # host.compliance.budget
    """CREATE TABLE counted_calls (
        id TEXT PRIMARY KEY, persona TEXT, day TEXT, begun REAL, seconds REAL,
        machine TEXT, process INTEGER, process_began REAL)""",
    # host.dispatch.idempotency
    """CREATE TABLE requests (
        key TEXT PRIMARY KEY, call TEXT, room TEXT, room_sid TEXT, begun REAL, outcome TEXT,
        reason TEXT)""",
    # host.server.api.store
    """CREATE TABLE api_calls (
        id TEXT PRIMARY KEY, key TEXT UNIQUE, request TEXT, asked REAL, over INTEGER, told TEXT)""",
)
_ENDED = (
    # host.dispatch.idempotency
    "CREATE TABLE ended_jobs (room TEXT PRIMARY KEY, at REAL, outcome TEXT, reason TEXT)",
)
_RESULTS = (
    # host.server.api.store; calls store theirs by host.dispatch.idempotency
    "CREATE TABLE api_results (key TEXT PRIMARY KEY, at REAL, results TEXT)",
)
_LISTED = (
    # host.server.api.store
    "CREATE INDEX api_calls_by_time ON api_calls(asked, id)",
    "CREATE INDEX api_calls_by_room ON api_calls("
    "CASE WHEN json_valid(told) THEN json_extract(told, '$.room') END)",
)
_SCHEDULED = (
    # host.call.schedule
    """CREATE TABLE scheduled_calls (
        id TEXT PRIMARY KEY, key TEXT UNIQUE, due REAL, until REAL, request TEXT,
        placed INTEGER, cancelled TEXT)""",
)
MIGRATIONS = (_FIRST, _ENDED, _RESULTS, _LISTED, _SCHEDULED)
"""Statements that migrate from each version to the next."""

_OF_0_1 = {
    "attempts.db": ("attempts", "attempts", 2),
    "calls-today.db": ("calls", "counted_calls", 8),
    "requests.db": ("requests", "requests", 7),
    "api.db": ("calls", "api_calls", 6),
}
"""Databases of host 0.1: file to (its table, the current table, number of columns)."""


_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@contextlib.contextmanager
def open_state(state: Path, patience: float = 5.0) -> Iterator[sqlite3.Connection]:
    """Open the database in an exclusive transaction.

    The file is private, and deleted content is overwritten. Raises OSError or sqlite3.Error, which
    name the file, also if it stays locked for `patience` seconds.
    """
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = state / NAME
    with contextlib.suppress(FileExistsError):  # closing a file drops SQLite's locks on it
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with closing(_begun(file, patience)) as rows, rows:
            fresh = _migrate(rows, state)
            yield rows
    except sqlite3.Error as error:
        broken = getattr(error, "sqlite_errorcode", None) in _BROKEN
        mend = "; rename it, and the host makes a new one" if broken else ""
        raise type(error)(f"{file}: {error}{mend}") from error
    if fresh:  # the import is committed
        for name in _OF_0_1:
            (state / name).unlink(missing_ok=True)


def _begun(file: Path, patience: float) -> sqlite3.Connection:
    """Return a connection with an exclusive transaction. Raises sqlite3.Error.

    If a process was killed in its transaction, the next ones roll it back. Those that do so at the
    same moment may get an I/O error, because the journal is gone already.
    """
    left = ATTEMPTS
    while True:
        rows = sqlite3.connect(file, timeout=patience, isolation_level=None)
        try:
            rows.execute("PRAGMA secure_delete = ON")
            rows.execute("BEGIN IMMEDIATE")
            return rows
        except BaseException as error:
            rows.close()
            left -= 1
            code = getattr(error, "sqlite_errorcode", None) or 0
            if not left or code & 0xFF != sqlite3.SQLITE_IOERR:
                raise
        time.sleep(PAUSE)


def has_state(state: Path) -> bool:
    """Return whether a database exists, of this or of version 0.1."""
    return (state / NAME).exists() or any((state / name).exists() for name in _OF_0_1)


def _migrate(rows: sqlite3.Connection, state: Path) -> bool:
    """Apply migrations; return whether the database was new."""
    (version,) = rows.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise sqlite3.DatabaseError(f"{NAME} was written by a newer host (version {version})")
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            rows.execute(statement)
    if version == 0:
        for name in _OF_0_1:
            try:
                _take_over(rows, state / name)
            except sqlite3.Error as error:
                log.error("%s of host 0.1 is not taken over: %s", state / name, error)
                (state / name).rename(state / f"{name}.broken")
    if version < len(MIGRATIONS):
        rows.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    return bool(version == 0)


def _take_over(rows: sqlite3.Connection, file: Path) -> None:
    """Import a database of host 0.1, with the requests that already have a call for example."""
    if not file.is_file():
        return
    table, becomes, columns = _OF_0_1[file.name]
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as old:
        found = old.execute(f"SELECT * FROM {table}").fetchall()
    marks = ", ".join("?" * columns)
    rows.executemany(f"INSERT OR IGNORE INTO {becomes} VALUES ({marks})", found)
