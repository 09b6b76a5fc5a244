"""The one SQLite file of `state_dir`: made once, brought to the version of the host, taken over."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from deployment import HERE

from host.base.database import MIGRATIONS, NAME, has_state, open_state
from host.dispatch.idempotency import NotClaimed, Requests


def version_of(state: Path) -> int:
    with closing(sqlite3.connect(state / NAME)) as rows:
        (version,) = rows.execute("PRAGMA user_version").fetchone()
        return int(version)


def test_it_is_made_by_whoever_needs_it_first(tmp_path: Path) -> None:
    assert not has_state(tmp_path)
    for _ in range(2):
        with open_state(tmp_path / "state") as rows:
            assert rows.execute("SELECT COUNT(*) FROM requests").fetchone() == (0,)
    assert has_state(tmp_path / "state")
    assert version_of(tmp_path / "state") == len(MIGRATIONS)


def test_a_transaction_is_alone_whoever_else_of_its_process_opens_the_file(tmp_path: Path) -> None:
    """POSIX drops all locks of a process on a file when it closes any descriptor of it."""
    another = (
        "import pathlib, sys; from host.base.database import open_state\n"
        "with open_state(pathlib.Path(sys.argv[1]), patience=0): pass"
    )
    with open_state(tmp_path):
        with pytest.raises(sqlite3.OperationalError, match="locked"), open_state(tmp_path, 0.0):
            pass
        process = subprocess.run(
            [sys.executable, "-c", another, tmp_path], cwd=HERE.parent, stderr=subprocess.PIPE
        )
        assert b"database is locked" in process.stderr


def test_nothing_of_a_transaction_that_fails_is_kept(tmp_path: Path) -> None:
    def fails() -> None:
        with open_state(tmp_path) as rows:
            rows.execute("INSERT INTO attempts VALUES ('a', 1)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with open_state(tmp_path) as rows:
        assert rows.execute("SELECT COUNT(*) FROM attempts").fetchone() == (0,)


def test_a_file_of_a_newer_host_is_left_alone(tmp_path: Path) -> None:
    with open_state(tmp_path) as rows:
        rows.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(sqlite3.DatabaseError, match="newer host"), open_state(tmp_path):
        pass


def _cut_off(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize(
    ("breaks", "what"),
    [
        (lambda file: file.write_bytes(b"\xff" * 8192), "file is not a database"),
        (lambda file: file.write_text("no database"), "file is not a database"),
        (_cut_off, "database disk image is malformed"),
    ],
    ids=["garbage", "text", "cut off"],
)
def test_a_file_that_is_no_database_is_named_with_the_mend(
    tmp_path: Path, breaks: Callable[[Path], object], what: str
) -> None:
    with open_state(tmp_path):
        pass
    breaks(tmp_path / NAME)
    told = f"{tmp_path / NAME}: {what}; rename it, and the host makes a new one"
    with pytest.raises(sqlite3.DatabaseError, match=re.escape(told)), open_state(tmp_path) as rows:
        rows.execute("SELECT * FROM api_calls").fetchall()


@pytest.mark.parametrize("name", ["attempts.db", "calls-today.db", "requests.db", "api.db"])
def test_a_broken_file_of_host_0_1_is_set_aside(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / name).write_text("no database")
    with open_state(tmp_path) as rows:
        assert rows.execute("SELECT * FROM attempts").fetchall() == []
    assert [file.name for file in tmp_path.glob("*.broken")] == [f"{name}.broken"]
    assert f"{tmp_path / name} of host 0.1 is not taken over: file is not a" in caplog.text


def test_a_request_that_host_0_1_made_a_call_for_makes_no_second(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "requests.db")) as old, old:
        old.execute(
            "CREATE TABLE requests (key TEXT PRIMARY KEY, call TEXT, room TEXT, room_sid TEXT, "
            "begun REAL, outcome TEXT, reason TEXT)"
        )
        row = ("order 7", "AJ_1", "room-1", "RM_1", 9e9, "completed", "the callee hung up")
        old.execute("INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    assert has_state(tmp_path)
    request = Requests(tmp_path).find("order 7")
    assert request
    assert request[1:] == ("completed", "the callee hung up")
    with pytest.raises(NotClaimed, match="already has a call, AJ_1"):
        Requests(tmp_path).claim("order 7", "AJ_2", "room-2", "RM_2")
    assert not (tmp_path / "requests.db").exists(), "nobody would purge it"


@pytest.mark.parametrize(("errors", "works"), [(1, True), (3, True), (4, False)])
def test_an_error_of_the_disk_that_passes_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, errors: int, works: bool
) -> None:
    left = [sqlite3.SQLITE_IOERR_READ] * errors

    class Troubled(sqlite3.Connection):
        def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
            if sql.startswith("BEGIN") and left:
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = left.pop()
                raise error
            return super().execute(sql, *more)

    monkeypatch.setattr("host.base.database.PAUSE", 0.0)
    connect = partial(sqlite3.connect, factory=Troubled)
    monkeypatch.setattr("host.base.database.sqlite3.connect", connect)
    told = nullcontext() if works else pytest.raises(sqlite3.OperationalError, match="disk I/O")
    with told, open_state(tmp_path) as rows:
        assert rows.execute("SELECT 1").fetchone() == (1,)
