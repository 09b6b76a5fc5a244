"""The SQLite file of `state_dir`, `state.db`, which all processes of a host read and write.

Each of its tables belongs to one module; they are made here, so that there is one history of the
file: `user_version` counts the migrations that it has been through.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

NAME = "state.db"

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
MIGRATIONS = (_FIRST,)
"""What makes each version of the file from the one before."""

_OF_0_1 = {
    "attempts.db": ("attempts", "attempts", 2),
    "calls-today.db": ("calls", "counted_calls", 8),
    "requests.db": ("requests", "requests", 7),
    "api.db": ("calls", "api_calls", 6),
}
"""The files of host 0.1: file -> (its table, the table that it became, columns)."""


@contextlib.contextmanager
def open_state(state: Path, patience: float = 5.0) -> Iterator[sqlite3.Connection]:
    """Open the file, in a transaction: nobody else reads or writes it until this is over.

    Only its owner may read it, and what is deleted is overwritten. Raises OSError or sqlite3.Error
    where that does not go within `patience` seconds.
    """
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = state / NAME
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(file, timeout=patience, isolation_level=None)) as rows:
        rows.execute("PRAGMA secure_delete = ON")
        rows.execute("BEGIN IMMEDIATE")
        with rows:
            fresh = _migrate(rows, state)
            yield rows
        if fresh:  # what was taken over is written
            for name in _OF_0_1:
                (state / name).unlink(missing_ok=True)


def has_state(state: Path) -> bool:
    """Tell whether anything was ever written there."""
    return (state / NAME).exists() or any((state / name).exists() for name in _OF_0_1)


def _migrate(rows: sqlite3.Connection, state: Path) -> bool:
    """Bring the file to this version; tell whether there was none before."""
    (version,) = rows.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise sqlite3.DatabaseError(f"{NAME} was written by a newer host (version {version})")
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            rows.execute(statement)
    if version == 0:
        for name in _OF_0_1:
            _take_over(rows, state / name)
    if version < len(MIGRATIONS):
        rows.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    return bool(version == 0)


def _take_over(rows: sqlite3.Connection, file: Path) -> None:
    """Take over what a file of host 0.1 knows, as which requests have their call."""
    if not file.is_file():
        return
    table, becomes, columns = _OF_0_1[file.name]
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as old:
        found = old.execute(f"SELECT * FROM {table}").fetchall()
    marks = ", ".join("?" * columns)
    rows.executemany(f"INSERT OR IGNORE INTO {becomes} VALUES ({marks})", found)
