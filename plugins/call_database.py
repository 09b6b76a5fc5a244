"""Writes call records to a SQLite database as well, if HOST_CALL_DATABASE is set.

`datasette calls.db` displays it. The call log has every record, even if the database fails.
"""

import asyncio
import contextlib
import json
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from host import Call, HostError, hookimpl

log = logging.getLogger("host")

PATIENCE = 4.0
"""Seconds to wait for another writer; the hook's limit is ten."""

_OF_A_CALL = (
    "call_id TEXT NOT NULL REFERENCES calls(id) ON DELETE CASCADE, position INTEGER NOT NULL"
)
_FIRST = (
    """CREATE TABLE calls (
        id TEXT PRIMARY KEY,
        dispatched_at TEXT NOT NULL, persona TEXT, direction TEXT NOT NULL,
        number TEXT, our_number TEXT,
        outcome TEXT NOT NULL, ended_by TEXT NOT NULL, reason TEXT NOT NULL,
        sip_status INTEGER, retryable INTEGER NOT NULL,
        duration REAL NOT NULL, ring_time REAL, time_to_first_word REAL,
        dialled_at TEXT, ringing_at TEXT, answered_at TEXT, first_word_at TEXT,
        ended_at TEXT NOT NULL,
        voicemail TEXT, voicemail_reason TEXT, recording TEXT, error TEXT,
        room TEXT NOT NULL, version INTEGER NOT NULL)""",
    "CREATE INDEX calls_by_time ON calls(dispatched_at)",
    "CREATE INDEX calls_by_persona ON calls(persona)",
    "CREATE INDEX calls_by_number ON calls(number)",
    f"""CREATE TABLE transcript ({_OF_A_CALL}, at TEXT, who TEXT, text TEXT,
        PRIMARY KEY (call_id, position))""",
    f"""CREATE TABLE tools ({_OF_A_CALL}, at TEXT, name TEXT, arguments TEXT, result TEXT,
        failed INTEGER, PRIMARY KEY (call_id, position))""",
    f"""CREATE TABLE keys ({_OF_A_CALL}, at TEXT, who TEXT, digit TEXT,
        PRIMARY KEY (call_id, position))""",
    f"""CREATE TABLE transfers ({_OF_A_CALL}, at TEXT, "to" TEXT, warm INTEGER,
        succeeded INTEGER, reason TEXT, sip_status INTEGER, PRIMARY KEY (call_id, position))""",
    f"""CREATE TABLE usage ({_OF_A_CALL}, kind TEXT, provider TEXT, model TEXT,
        name TEXT, amount REAL, PRIMARY KEY (call_id, position))""",
)
_TAKEN_OVER = ("ALTER TABLE calls ADD COLUMN taken_over INTEGER NOT NULL DEFAULT 0",)
_TRANSFERS_SEEN = (
    "ALTER TABLE transfers ADD COLUMN number TEXT",
    "ALTER TABLE transfers ADD COLUMN mode TEXT",
    "ALTER TABLE transfers ADD COLUMN answered_by TEXT",
    "ALTER TABLE transfers ADD COLUMN connected_at TEXT",
)
_RESULTS = (
    "ALTER TABLE calls ADD COLUMN reference TEXT",
    "ALTER TABLE calls ADD COLUMN idempotency_key TEXT",
    "ALTER TABLE calls ADD COLUMN results TEXT NOT NULL DEFAULT '{}'",  # JSON
    "ALTER TABLE calls ADD COLUMN recording_url TEXT",
    "ALTER TABLE calls ADD COLUMN conclusions_error TEXT",
    "ALTER TABLE calls ADD COLUMN opted_out INTEGER NOT NULL DEFAULT 0",
    f"""CREATE TABLE menus ({_OF_A_CALL}, at TEXT, menu TEXT, key TEXT, choice TEXT,
        PRIMARY KEY (call_id, position))""",
    "CREATE INDEX calls_by_reference ON calls(reference)",
    "CREATE INDEX calls_by_idempotency_key ON calls(idempotency_key)",
)
_RECORDING_STOPPED = (
    "ALTER TABLE calls ADD COLUMN recording_stopped_at TEXT",
    "ALTER TABLE calls ADD COLUMN recording_discarded INTEGER NOT NULL DEFAULT 0",
)
_RETRY_AT = ("ALTER TABLE calls ADD COLUMN retry_at TEXT",)
_PERSONAS = (
    f"""CREATE TABLE personas ({_OF_A_CALL}, name TEXT, "from" TEXT, until TEXT,
        PRIMARY KEY (call_id, position))""",
    "CREATE INDEX personas_by_name ON personas(name)",
)
_OPERATORS = (
    f"""CREATE TABLE operators ({_OF_A_CALL}, "from" TEXT, until TEXT, ended TEXT,
        PRIMARY KEY (call_id, position))""",
)
_COST = ("ALTER TABLE calls ADD COLUMN cost TEXT",)  # JSON
MIGRATIONS = (
    _FIRST,
    _TAKEN_OVER,
    _TRANSFERS_SEEN,
    _RESULTS,
    _RECORDING_STOPPED,
    _RETRY_AT,
    _PERSONAS,
    _COST,
    _OPERATORS,
)
"""Statements that migrate from each version to the next; `user_version` is the number applied."""

_FAULTS = (sqlite3.Error, OSError, HostError)


@hookimpl
async def while_serving(settings: Any) -> None:
    """Create or migrate the database at the start, so that faults are logged before a call."""
    if (database := settings.call_database) is not None:
        try:
            await asyncio.to_thread(make, database)
        except _FAULTS as error:
            log.error("calls can't be written into %s: %s", database, error)


@hookimpl
async def call_ended(call: Call, record: Any) -> None:
    """Write the record, in a thread."""
    settings = call.settings
    if (database := settings.call_database) is not None:
        try:
            await asyncio.to_thread(write, database, record.model_dump(mode="json"))
        except _FAULTS as error:
            where = (call.id, database, error, settings.call_log)
            log.error("call %s is not in %s (%s); it is in %s", *where)


def make(database: Path) -> None:
    """Create the database, or migrate it to this version."""
    with _transaction(database):
        pass


def write(database: Path, record: Mapping[str, Any]) -> None:
    """Write a call's record from its JSON form, replacing an earlier one."""
    with _transaction(database) as db:
        db.execute("DELETE FROM calls WHERE id = ?", (record["id"],))
        lists = {name: value for name, value in record.items() if isinstance(value, list)}
        columns = {name: _column(record[name]) for name in record if name not in lists}
        _insert(db, "calls", [columns])
        for table, rows in lists.items():
            rows = _amounts(rows) if table == "usage" else rows
            of_the_call = ({"call_id": record["id"], "position": at} for at in range(len(rows)))
            _insert(db, table, (a | b for a, b in zip(of_the_call, rows, strict=True)))


def _column(value: Any) -> Any:
    """Return a value as a column has it: an object is JSON, which SQLite's functions read."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def _amounts(usage: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row for each amount, so that they can be summed."""
    return [
        {"kind": of["kind"], "provider": of["provider"], "model": of["model"]}
        | {"name": name, "amount": amount}
        for of in usage
        for name, amount in of["amounts"].items()
    ]


def _insert(db: sqlite3.Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        names = ", ".join(f'"{name}"' for name in row)
        values = ", ".join(f":{name}" for name in row)
        db.execute(f"INSERT INTO {table} ({names}) VALUES ({values})", row)


@contextlib.contextmanager
def _transaction(database: Path) -> Iterator[sqlite3.Connection]:
    """Open the database in an exclusive transaction, since calls end in separate processes."""
    database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _close_to_others(database)
    with closing(sqlite3.connect(database, timeout=PATIENCE, isolation_level=None)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        # WAL, so that readers do not block writers. A new file is switched by one of several
        # simultaneous processes; the others get "locked" and can write anyway.
        with contextlib.suppress(sqlite3.OperationalError):
            db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN IMMEDIATE")
        with db:
            _migrate(db)
            yield db


def _close_to_others(database: Path) -> None:
    """Make the database private: it has transcripts. SQLite's other files inherit that."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(database, os.O_CREAT | os.O_EXCL, 0o600))
        return
    for file in (database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))):
        with contextlib.suppress(FileNotFoundError, PermissionError):
            if file.is_file() and file.stat().st_mode & 0o077:
                file.chmod(0o600)


def _migrate(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise HostError(f"it is of version {version}, and this host writes {len(MIGRATIONS)}")
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
