"""Purges the SQLite database of records."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

PATIENCE = 10.0
"""Seconds to wait for another writer's lock."""
_OLD = "FROM calls WHERE julianday(ended_at) < julianday(?)"


def purge_database(file: Path, before: datetime, *, dry_run: bool = False) -> int:
    """Delete records of calls that ended before a time; return the number.

    Deleted content is overwritten on disk once `overwrite` has run. Raises sqlite3.Error.
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
    """Checkpoint and truncate the write-ahead log, which still contains deleted records.

    Waits for readers. Raises sqlite3.Error if one does not finish.
    """
    if file.is_file():
        with closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)) as calls:
            busy, *_ = calls.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            text = f"another program reads it: removed calls remain in it, or in {file.name}-wal"
            raise sqlite3.OperationalError(text)
