"""The one SQLite file of `state_dir`: made once, brought to the version of the host, taken over."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

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


def test_a_request_that_host_0_1_made_a_call_for_makes_no_second(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "requests.db")) as old, old:
        old.execute(
            "CREATE TABLE requests (key TEXT PRIMARY KEY, call TEXT, room TEXT, room_sid TEXT, "
            "begun REAL, outcome TEXT, reason TEXT)"
        )
        row = ("order 7", "AJ_1", "room-1", "RM_1", 9e9, "completed", "the callee hung up")
        old.execute("INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    assert has_state(tmp_path)
    assert Requests(tmp_path).went("order 7") == ("completed", "the callee hung up")
    with pytest.raises(NotClaimed, match="already has a call, AJ_1"):
        Requests(tmp_path).claim("order 7", "AJ_2", "room-2", "RM_2")
    assert not (tmp_path / "requests.db").exists(), "nobody would purge it"
