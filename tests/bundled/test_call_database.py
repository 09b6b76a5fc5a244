"""The database of calls: what is in it, and that it never stands in a call's way."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from stored import LISTS, a_record, rows_of, stored
from waiting import logged_by_the_host

from host.call.live import LiveCall
from host.call.state import CallState
from host.records.record import CallRecord
from host.settings import Settings
from plugins import call_database


async def end(database: Path | None, record: CallRecord) -> None:
    """What the end of a call does."""
    call = LiveCall(Settings(call_database=database), CallState(id=record.id, room=record.room))
    await call_database.call_ended(call.call, record)


def one_error(caplog: pytest.LogCaptureFixture) -> str:
    """The single line that was logged; a traceback fails the test."""
    (line,) = [line for line in logged_by_the_host(caplog) if line.levelno >= logging.WARNING]
    assert line.exc_info is None
    return line.getMessage()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "new" / "calls.db"


@contextlib.contextmanager
def somebody_else_writes(database: Path) -> Iterator[sqlite3.Connection]:
    """Hold the file's lock, as another process does."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


@pytest.mark.parametrize("name", ["v1", "v1-refused", "v1-results", "v1-cost"])
async def test_a_call_is_there_as_in_its_record(database: Path, name: str) -> None:
    await end(database, a_record(name))
    assert stored(database, a_record(name).id) == a_record(name)


async def test_costs_can_be_summed(database: Path) -> None:
    await end(database, a_record("v1-cost"))
    await end(database, a_record())
    total = "SELECT sum(cost ->> '$.total') AS total FROM calls"
    assert rows_of(database, total) == [{"total": 0.0546}]


async def test_a_call_has_a_column_for_each_fact(database: Path) -> None:
    await end(database, a_record())
    (call,) = rows_of(database, "SELECT * FROM calls")
    assert set(call) == set(CallRecord.model_fields) - set(LISTS)


async def test_a_call_is_found_by_its_reference_and_by_what_came_out_of_it(database: Path) -> None:
    booking = {"booking": {"day": "Monday", "hours": [9, 10]}}
    named = a_record(reference="L-17", idempotency_key="order-7", results=booking)
    await end(database, named)
    await end(database, a_record(id="AJ_2"))
    assert stored(database, named.id) == named
    for column, value in (("reference", "L-17"), ("idempotency_key", "order-7")):
        query = f"SELECT id FROM calls WHERE {column} = ?"
        assert rows_of(database, query, value) == [{"id": named.id}]
        [plan] = rows_of(database, f"EXPLAIN QUERY PLAN {query}", value)
        assert f"INDEX calls_by_{column}" in plan["detail"]
    query = "SELECT id FROM calls WHERE results ->> '$.booking.hours[1]' = 10"
    assert rows_of(database, query) == [{"id": named.id}]


@pytest.mark.parametrize("name", LISTS)
async def test_what_a_call_has_several_of_leads_back_to_the_call(database: Path, name: str) -> None:
    await end(database, a_record("v1-results"))
    (leads,) = rows_of(database, f"PRAGMA foreign_key_list({name})")
    assert (leads["table"], leads["from"], leads["to"]) == ("calls", "call_id", "id")
    assert rows_of(database, f"SELECT * FROM {name}")
    assert not rows_of(database, "PRAGMA foreign_key_check")


async def test_what_was_used_can_be_summed(database: Path) -> None:
    await end(database, a_record())
    await end(database, a_record(id="AJ_2"))
    query = "SELECT sum(amount) AS tokens FROM usage WHERE name LIKE '%_tokens'"
    assert rows_of(database, query) == [{"tokens": 2 * (1204 + 88)}]


async def test_a_record_that_comes_twice_is_there_once_as_it_came_last(database: Path) -> None:
    await end(database, a_record())
    await end(database, a_record())
    later = a_record(reason="It was told again.", keys=[])
    await end(database, later)
    assert stored(database, later.id) == later
    assert len(rows_of(database, "SELECT * FROM transcript")) == len(later.transcript)


async def test_only_its_owner_may_read_it_and_readers_stop_no_writer(database: Path) -> None:
    await end(database, a_record())
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    assert rows_of(database, "PRAGMA journal_mode") == [{"journal_mode": "wal"}]
    with closing(sqlite3.connect(database)) as reader:
        reader.execute("BEGIN")
        assert len(reader.execute("SELECT id FROM calls").fetchall()) == 1
        await end(database, a_record(id="AJ_2"))
    assert len(rows_of(database, "SELECT id FROM calls")) == 2


async def test_without_a_database_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await call_database.while_serving(Settings())
    await end(None, a_record())
    assert not list(tmp_path.iterdir())


def end_several(database: Path, name: str) -> None:
    for number in range(5):
        asyncio.run(end(database, a_record(id=f"{name}-{number}")))


@pytest.mark.processes
def test_calls_that_end_at_once_in_processes_of_their_own_are_all_there(database: Path) -> None:
    names = ["a", "b", "c", "d"]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(names), mp_context=spawn) as processes:
        list(processes.map(end_several, [database] * len(names), names))
    expected = {f"{name}-{number}" for name in names for number in range(5)}
    assert {row["id"] for row in rows_of(database, "SELECT id FROM calls")} == expected


async def test_a_call_goes_on_while_the_database_is_waited_for(database: Path) -> None:
    call_database.make(database)
    with somebody_else_writes(database) as other:
        # Only a loop that is not stopped can let the other one go.
        asyncio.get_running_loop().call_later(0.3, other.rollback)
        await end(database, a_record())
    assert stored(database, a_record().id) == a_record()


async def test_a_locked_database_is_one_line_in_the_log(
    database: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(call_database, "PATIENCE", 0.1)
    call_database.make(database)
    with somebody_else_writes(database):
        await end(database, a_record())
    assert one_error(caplog) == (
        f"call {a_record().id} is not in {database} (database is locked); it is in calls.jsonl"
    )


def garbage(file: Path) -> None:
    file.write_bytes(b"This is no database at all. " * 100)


def of_a_later_host(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 99")


def of_another_program(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE calls (number TEXT)")


def a_folder(file: Path) -> None:
    file.mkdir()


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (garbage, "file is not a database"),
        (of_a_later_host, "it is of version 99, and this host writes 9"),
        (of_another_program, "table calls already exists"),
        (a_folder, "unable to open database file"),
    ],
)
async def test_a_database_that_can_not_be_used_is_one_line_and_told_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, make: object, why: str
) -> None:
    database = tmp_path / "calls.db"
    assert callable(make)
    make(database)
    await call_database.while_serving(Settings(call_database=database))
    assert one_error(caplog) == f"calls can't be written into {database}: {why}"
    caplog.clear()
    await end(database, a_record())
    assert f"({why})" in one_error(caplog)


async def test_a_full_disk_leaves_the_database_whole(
    database: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await end(database, a_record())
    connect = sqlite3.connect

    def with_little_room(*args: object, **how: object) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*args, **how)  # type: ignore[call-overload]
        db.execute("PRAGMA max_page_count = 1")  # SQLite's own way to be full
        return db

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", with_little_room)
        await end(database, a_record(id="AJ_2", reason="word " * 100_000))
    assert "(database or disk is full)" in one_error(caplog)
    assert stored(database, "AJ_2") is None
    await end(database, a_record(id="AJ_3"))
    assert stored(database, "AJ_3") == a_record(id="AJ_3")


async def test_a_file_of_an_earlier_version_is_brought_to_this_one(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await end(database, a_record())
    more = (*call_database.MIGRATIONS, ("ALTER TABLE calls ADD COLUMN mood TEXT",))
    monkeypatch.setattr(call_database, "MIGRATIONS", more)
    await end(database, a_record(id="AJ_2"))
    assert rows_of(database, "PRAGMA user_version") == [{"user_version": len(more)}]
    assert len(rows_of(database, "SELECT mood FROM calls")) == 2
