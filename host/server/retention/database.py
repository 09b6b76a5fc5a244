"""Removes old records from the SQLite file of calls."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

PATIENCE = 10.0
"""Seconds to wait for whoever writes a record."""
_OLD = "FROM calls WHERE julianday(ended_at) < julianday(?)"


def purge_database(file: Path, before: datetime, *, dry_run: bool = False) -> int:
    """Remove the records of calls that ended before a moment; return how many.

    What was removed is overwritten, once `overwrite` has come about. Raises sqlite3.Error.
    """
    if not file.is_file():
        return 0
    moment = before.astimezone(UTC).isoformat()
    with closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)) as calls:
        if not calls.execute("SELECT 1 FROM sqlite_master WHERE name = 'calls'").fetchone():
            return 0
        (number,) = calls.execute(f"SELECT count(*) {_OLD}", (moment,)).fetchone()
        if dry_run or not number:
            return int(number)
        calls.execute("PRAGMA foreign_keys = ON")
        calls.execute("PRAGMA secure_delete = ON")
        return int(calls.execute(f"DELETE {_OLD}", (moment,)).rowcount)


def overwrite(file: Path) -> None:
    """Put all changes into the file, and empty its log of changes, which has what was removed.

    SQLite waits for readers meanwhile. Raises sqlite3.Error where one of them stays.
    """
    if file.is_file():
        with closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)) as calls:
            busy, *_ = calls.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            text = f"another program reads it: removed calls remain in it, or in {file.name}-wal"
            raise sqlite3.OperationalError(text)
