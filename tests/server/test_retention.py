"""Old records and recordings are removed, whoever writes meanwhile, and nothing else is."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import multiprocessing
import os
import re
import sqlite3
import stat
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from canaries import NUMBER
from stored import LISTS, a_record, rows_of
from typer.testing import CliRunner, Result
from waiting import meanwhile, until_logged

from host.cli import cli
from host.dispatch.idempotency import Requests
from host.records.log import CallLog
from host.records.record import CallRecord
from host.server.api.schemas import AskedCall, WantedCall
from host.server.api.store import CallStore
from host.server.retention import purge, purge_daily
from host.server.retention.log_file import purge_log
from host.settings import Settings
from plugins import call_database, call_log

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
YEAR_AGO = NOW - timedelta(days=365)


def ended(days_ago: float, **other: Any) -> CallRecord:
    """A record of a call that ended so many days ago."""
    return a_record(
        "v1-results", id=f"AJ_{days_ago:g}", ended_at=NOW - timedelta(days=days_ago), **other
    )


def write(log: Path, *records: CallRecord) -> None:
    for record in records:
        call_log.append(log, record.model_dump_json())


def ids(log: Path) -> list[str]:
    return [record.id for record in CallLog(log).newest_first()]


@pytest.fixture
def settings(tmp_path: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A deployment with every place in which calls are kept."""
    monkeypatch.chdir(tmp_path)
    return Settings(call_database=Path("calls.db"))


def aged(file: Path, days: float) -> Path:
    """A file that was last written so many days before NOW."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"Ogg")
    then = (NOW - timedelta(days=days)).timestamp()
    os.utime(file, (then, then))
    return file


# The call log


def test_old_lines_go_and_young_ones_stay_as_they_were_written(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    write(log, ended(40), ended(31), ended(29, reason="Two\nlines, and \u2028 a third."), ended(1))
    young = b"".join(log.read_bytes().splitlines(keepends=True)[2:])
    assert purge_log(log, NOW - timedelta(days=30)) == 2
    assert log.read_bytes() == young
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["calls.jsonl"]


def test_a_call_log_that_is_out_of_order_loses_the_old_ones_alone(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    write(log, ended(1), ended(40), ended(2), ended(50))
    assert purge_log(log, NOW - timedelta(days=30)) == 2
    assert ids(log) == ["AJ_2", "AJ_1"]


def test_half_a_line_goes_with_the_record_before_it(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    half = ended(0).model_dump_json()[:200].encode()
    write(log, ended(40))
    with log.open("ab") as broken:
        broken.write(half + b"\n")
    write(log, ended(1))
    with log.open("ab") as broken:
        broken.write(half)
    purge_log(log, NOW - timedelta(days=30))
    assert ids(log) == ["AJ_1"]
    assert log.read_bytes().count(half) == 1


def test_a_caller_can_not_make_a_record_look_old_or_young(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    said = '"ended_at":"1999-01-01T00:00:00Z"'
    write(log, ended(1, reason=said, room=said), ended(40, reason=said.replace("1999", "2999")))
    assert purge_log(log, NOW - timedelta(days=30)) == 1
    assert ids(log) == ["AJ_1"]


def test_a_dry_run_counts_and_removes_nothing(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    write(log, ended(40), ended(1))
    before = log.stat()
    assert purge_log(log, NOW - timedelta(days=30), dry_run=True) == 1
    assert (log.stat().st_ino, log.stat().st_size) == (before.st_ino, before.st_size)


def test_a_link_to_the_call_log_stays_a_link(tmp_path: Path) -> None:
    log, link = tmp_path / "there" / "calls.jsonl", tmp_path / "calls.jsonl"
    write(log, ended(40), ended(1))
    link.symlink_to(log)
    assert purge_log(link, NOW - timedelta(days=30)) == 1
    assert link.is_symlink()
    assert ids(log) == ["AJ_1"]


def test_a_call_log_that_is_a_pipe_or_not_there_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert purge_log(tmp_path / "pipe", NOW) == 0
    assert purge_log(tmp_path / "nothing", NOW) == 0
    assert not (tmp_path / "nothing").exists()


def test_a_purge_that_can_not_be_finished_leaves_the_log_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls.jsonl"
    write(log, ended(40), ended(1))
    whole = log.read_bytes()

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        purge_log(log, NOW - timedelta(days=30))
    assert log.read_bytes() == whole
    assert [file.name for file in tmp_path.iterdir()] == ["calls.jsonl"]


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@only_root
def test_the_log_stays_its_owners_whoever_purges_it(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    write(log, ended(40), ended(1))
    os.chown(log, 12345, 12346)
    assert purge_log(log, NOW - timedelta(days=30)) == 1
    assert (log.stat().st_uid, log.stat().st_gid) == (12345, 12346)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@only_root
def test_a_log_that_can_not_be_given_back_to_its_owner_is_not_purged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls.jsonl"
    write(log, ended(40), ended(1))
    os.chown(log, 12345, 12346)
    whole = log.read_bytes()

    def refused(file: int, user: int, group: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refused)
    with pytest.raises(PermissionError):
        purge_log(log, NOW - timedelta(days=30))
    assert log.read_bytes() == whole


def test_a_time_without_a_zone_is_one_of_utc(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    write(log, ended(40))
    old, young = "2026-10-01T00:00:00", "2026-11-23T00:00:00"
    with log.open("a") as by_somebody_else:
        by_somebody_else.write(f'{{"ended_at":"{old}"}}\n{{"ended_at":"{young}"}}\n')
    assert purge_log(log, NOW - timedelta(days=30), dry_run=True) == 2
    assert purge_log(log, NOW - timedelta(days=30)) == 2
    assert log.read_text() == f'{{"ended_at":"{young}"}}\n'


def test_what_a_killed_purge_has_left_of_the_log_goes(settings: Settings) -> None:
    log = settings.call_log
    write(log, ended(1))
    left = log.with_name(".calls.jsonl.purge-4711")
    left.write_bytes(log.read_bytes())
    purge(settings, NOW, dry_run=True)
    assert left.exists()
    assert purge(settings, NOW).faults == []
    assert not left.exists()
    assert ids(log) == ["AJ_1"]


def test_the_draft_of_a_purge_that_is_under_way_is_left_to_it(settings: Settings) -> None:
    log = settings.call_log
    write(log, ended(1))
    with log.open("rb") as held, ThreadPoolExecutor(1) as pool:
        fcntl.flock(held, fcntl.LOCK_EX)
        draft = log.with_name(".calls.jsonl.purge-4711")
        draft.write_bytes(log.read_bytes())
        purging = pool.submit(purge, settings, NOW)
        until_it_waits_for_a_lock(os.getpid())
        assert draft.exists()
        draft.replace(log)
        fcntl.flock(held, fcntl.LOCK_UN)
        assert purging.result(timeout=30).faults == []
    assert ids(log) == ["AJ_1"]


def ends_calls(log: Path, name: str) -> None:
    for number in range(200):
        record = a_record(id=f"{name}-{number}", ended_at=NOW)
        call_log.append(log, record.model_dump_json())


def purges(log: Path) -> int:
    removed = 0
    for number in range(60):
        call_log.append(log, ended(40 + number).model_dump_json())
        removed += purge_log(log, NOW - timedelta(days=30))
    return removed


@pytest.mark.processes
def test_no_record_is_lost_that_is_written_during_a_purge(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(4, mp_context=spawn) as processes:
        purging = [processes.submit(purges, log) for _ in range(2)]
        for calls in [processes.submit(ends_calls, log, name) for name in "ab"]:
            calls.result()
        assert sum(each.result() for each in purging) == 120
    assert sorted(ids(log)) == sorted(f"{name}-{number}" for name in "ab" for number in range(200))


def until_it_waits_for_a_lock(process: int | None) -> None:
    """Wait until a process waits for the lock of a file; nobody tells of it (proc_locks(5))."""
    locks = Path("/proc/locks")
    while not re.search(rf"->.* {process} ", locks.read_text()):
        time.sleep(0.01)


@pytest.mark.processes
def test_who_waited_for_the_log_during_a_purge_writes_to_the_new_one(tmp_path: Path) -> None:
    log, new = tmp_path / "calls.jsonl", tmp_path / "new"
    write(log, ended(40))
    with log.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        spawn = multiprocessing.get_context("spawn")
        line = ended(1).model_dump_json()
        process = spawn.Process(target=call_log.append, args=(log, line))
        process.start()
        until_it_waits_for_a_lock(process.pid)
        new.touch()
        new.replace(log)
    process.join(30)
    assert ids(log) == ["AJ_1"]


# The database


def test_a_database_loses_old_calls_with_all_that_belongs_to_them(settings: Settings) -> None:
    database = settings.call_database
    assert database is not None
    for record in (ended(40, number=NUMBER, reason="of an old call " * 50), ended(1)):
        call_database.write(database, record.model_dump(mode="json"))
    purged = purge(settings, NOW, days=30, dry_run=True)
    assert purged.removed["calls.db"] == 1
    assert len(rows_of(database, "SELECT id FROM calls")) == 2
    purged = purge(settings, NOW, days=30)
    assert (purged.removed["calls.db"], purged.faults) == (1, [])
    assert rows_of(database, "SELECT id FROM calls") == [{"id": "AJ_1"}]
    for table in LISTS:
        of = {row["call_id"] for row in rows_of(database, f"SELECT call_id FROM {table}")}
        assert of == {"AJ_1"}, table
    for file in Path().glob("calls.db*"):
        assert b"of an old call" not in file.read_bytes(), file
        assert NUMBER.encode() not in file.read_bytes(), file


def test_times_are_compared_and_not_their_texts(settings: Settings) -> None:
    database = settings.call_database
    assert database is not None
    moment = NOW - timedelta(days=30)
    for name, at in (("a", moment), ("b", moment - timedelta(seconds=1))):
        record = a_record(id=name, ended_at=at)
        call_database.write(database, record.model_dump(mode="json"))
    assert purge(settings, NOW, days=30).removed["calls.db"] == 1
    assert rows_of(database, "SELECT id FROM calls") == [{"id": "a"}]


def test_what_a_reader_holds_back_is_overwritten_once_it_is_gone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.server.retention.database.PATIENCE", 0.2)
    database = settings.call_database
    assert database is not None
    for record in (ended(40, reason="of an old call"), ended(1)):
        call_database.write(database, record.model_dump(mode="json"))
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM calls").fetchall()
        purged = purge(settings, NOW, days=30)
        assert purged.removed["calls.db"] == 1
        (fault,) = purged.faults
        assert fault.startswith("calls.db: another program reads it")
        reader.execute("COMMIT")
        # The reader is still there: no last one to leave cleans up.
        again = purge(settings, NOW, days=30)
        assert (again.removed["calls.db"], again.faults) == (0, [])
        for file in Path().glob("calls.db*"):
            assert b"of an old call" not in file.read_bytes(), file


# Recordings, and what waits


def test_old_recordings_go_and_files_of_others_stay(settings: Settings) -> None:
    day = settings.recordings_dir / "2026-10-01"
    old = [aged(day / "AJ_1.ogg", 53), aged(day / "AJ_2.ogg.part", 53)]
    emptied = aged(settings.recordings_dir / "2026-09-01" / "AJ_3.ogg", 80)
    stay = [
        aged(day / "notes.txt", 53),
        aged(settings.recordings_dir / "music.ogg", 80),
        aged(settings.recordings_dir / "2026-11-22" / "AJ_4.ogg", 1),
    ]
    purged = purge(settings, NOW, days=30)
    assert purged.removed["recordings"] == 3
    assert not any(file.exists() for file in (*old, emptied, emptied.parent))
    assert all(file.exists() for file in stay)


def test_records_and_recordings_have_days_of_their_own(
    tmp_path: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(keep_records_days=30, keep_recordings_days=7)
    write(settings.call_log, ended(10))
    recording = aged(settings.recordings_dir / "2026-11-13" / "AJ_1.ogg", 10)
    assert str(purge(settings, NOW)) == "1 from recordings"
    assert ids(settings.call_log) == ["AJ_10"]
    assert not recording.exists()


def test_records_that_nobody_comes_for_go_and_those_of_live_calls_stay(settings: Settings) -> None:
    state = settings.state_dir
    old = [
        aged(state / "webhooks" / "call_1.json", 40),
        aged(state / "unwritten" / "AJ_1.json", 40),
        aged(state / "unfinished" / "AJ_2.broken", 40),
    ]
    stay = [
        aged(state / "unfinished" / "AJ_3.json", 40),
        aged(state / "webhooks" / "call_2.json", 1),
        aged(state / "numbers.key", 400),
        aged(state / "sounds" / "a.wav", 400),
    ]
    assert purge(settings, NOW, days=30).removed[".host"] == 3
    assert not any(file.exists() for file in old)
    assert all(file.exists() for file in stay)


def test_recordings_of_calls_that_live_stay_whatever_the_days(settings: Settings) -> None:
    day = settings.recordings_dir / "2026-11-23"
    live, dead = aged(day / "AJ_1.ogg.part", 0.1), aged(day / "AJ_2.ogg.part", 0.1)
    aged(settings.state_dir / "unfinished" / "AJ_1.json", 0.1)
    assert purge(settings, NOW, days=0, dry_run=True).removed["recordings"] == 1
    purge(settings, NOW, days=0)
    assert live.exists()
    assert not dead.exists()


def test_halves_that_a_killed_process_has_left_go_after_an_hour(settings: Settings) -> None:
    state = settings.state_dir
    names = (
        "webhooks/.call_{}-4711",
        "uploads/.AJ_{}.ogg-4711",
        "unfinished/AJ_{}.part",
        ".numbers.key-4711-0a1b2c3{}",
    )
    old = [aged(state / name.format(1), 0.05) for name in names]
    young = [aged(state / name.format(2), 0.03) for name in names]
    stay = [aged(state / "webhooks" / "call_2.json", 0.05), aged(state / "numbers.key", 400)]
    assert purge(settings, NOW, dry_run=True).faults == []
    assert all(file.exists() for file in old)
    assert purge(settings, NOW).faults == []
    assert not any(file.exists() for file in old)
    assert all(file.exists() for file in (*young, *stay))


def test_requests_are_forgotten_in_time_though_no_other_comes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests, book = Requests(settings.state_dir), CallStore(settings.state_dir)
    wanted = WantedCall(persona="ann", number=NUMBER, idempotency_key="order-of-ann")
    began = time.time()
    for days_ago, name in ((0.5, "young"), (8, "old")):  # nothing else comes after the old ones
        monkeypatch.setattr(time, "time", lambda at=began - days_ago * 86400: at)
        requests.claim(f"key-{name}", f"AJ_{name}", "ann-1", f"RM_{name}")
        requests.settle(f"AJ_{name}", "busy", f"reason-{name}", begun=True)
        at = datetime.fromtimestamp(time.time(), UTC)
        asked = AskedCall(id=name, persona="ann", room=f"room-{name}", asked_at=at)
        book.add(f"key-{name}", wanted, asked)
    monkeypatch.setattr(time, "time", lambda: began)
    assert purge(settings, NOW).faults == []
    content = (settings.state_dir / "state.db").read_bytes()
    assert content.count(b"key-young") >= 2
    assert b"-old" not in content


def test_results_for_the_api_are_removed_with_the_records(settings: Settings) -> None:
    requests, book = Requests(settings.state_dir), CallStore(settings.state_dir)
    wanted = WantedCall(persona="ann", number=NUMBER, idempotency_key="order-7")
    asked = AskedCall(id="one", persona="ann", room="ann-1", asked_at=datetime.now(UTC))
    book.add("order-7", wanted, asked)
    requests.note_results("order-7", '{"day": "Monday"}')
    requests.note_results("of the command", '{"day": "Tuesday"}')  # the API has no such call
    assert purge(settings, datetime.now(UTC), days=1).faults == []
    found = book.find("order-7", wanted)
    assert found
    assert found.results == {"day": "Monday"}
    assert b"Tuesday" not in (settings.state_dir / "state.db").read_bytes()
    assert purge(settings, datetime.now(UTC), days=0).faults == []
    assert book.find("order-7", wanted) == asked
    assert b"Monday" not in (settings.state_dir / "state.db").read_bytes()


def test_nothing_is_made_where_nobody_has_asked_for_a_call(settings: Settings) -> None:
    purge(settings, NOW, days=0)
    assert list(Path().iterdir()) == []


def test_one_place_that_fails_keeps_no_other(settings: Settings) -> None:
    Path("calls.db").write_bytes(b"This is no database at all. " * 100)
    write(settings.call_log, ended(40))
    purged = purge(settings, NOW, days=30)
    assert purged.faults == ["calls.db: file is not a database"]
    assert purged.removed["calls.jsonl"] == 1


def test_what_nobody_foresaw_keeps_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: object, **more: object) -> int:
        raise TypeError("can't compare")

    monkeypatch.setattr("host.server.retention.log_file.purge_log", fails)
    old = aged(settings.state_dir / "webhooks" / "call_1.json", 40)
    assert purge(settings, NOW, days=30).faults == ["calls.jsonl: TypeError: can't compare"]
    assert not old.exists()


# Once a day, and by hand


async def test_a_running_host_purges_where_days_are_set(
    tmp_path: Path,
    clean_environment: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO)
    settings = Settings(keep_records_days=30)
    log = settings.call_log
    write(log, a_record(ended_at=YEAR_AGO))
    async with meanwhile(purge_daily(settings, every=0.01)):
        for times in (1, 2):  # at once, and again
            await until_logged(caplog, "removed old calls: 1 from calls.jsonl", times)
            assert log.read_bytes() == b""
            call_log.append(log, a_record(ended_at=YEAR_AGO).model_dump_json())


async def test_a_running_host_keeps_every_record_where_no_days_are_set(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(settings.call_log, a_record(ended_at=YEAR_AGO))
    requests = Requests(settings.state_dir)
    with monkeypatch.context() as patched:
        patched.setattr("host.dispatch.idempotency.time.time", lambda: YEAR_AGO.timestamp())
        requests.claim("a key", "AJ_1", "ann-1", "RM_1")
    loop, purged = asyncio.get_running_loop(), asyncio.Event()

    def purge_and_tell(*given: Any) -> Any:
        try:
            return purge(*given)
        finally:
            loop.call_soon_threadsafe(purged.set)

    monkeypatch.setattr("host.server.retention.daily.purge", purge_and_tell)
    async with meanwhile(purge_daily(settings)):
        await asyncio.wait_for(purged.wait(), 10)
    assert b"a key" not in (settings.state_dir / "state.db").read_bytes()
    assert len(ids(settings.call_log)) == 1


async def test_a_purge_that_fails_is_said_and_made_again(
    settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: object) -> None:
        raise RuntimeError("no thread for it")

    monkeypatch.setattr("host.server.retention.daily.purge", fails)
    async with meanwhile(purge_daily(settings, every=0.01)):
        await until_logged(caplog, "can't remove old calls", times=2)


Host = Callable[..., Result]


@pytest.fixture
def host(settings: Settings) -> Host:
    """Runs `host calls purge` with some words."""
    return lambda *words: CliRunner().invoke(cli, ["calls", "purge", *words])


def test_the_command_tells_what_it_would_remove_and_then_removes_it(
    host: Host, settings: Settings
) -> None:
    write(settings.call_log, a_record(id="old", ended_at=YEAR_AGO))
    write(settings.call_log, a_record(id="young", ended_at=datetime.now(UTC)))
    dry = host("--days", "90", "--dry-run")
    assert (dry.exit_code, dry.stdout) == (0, "would remove 1 from calls.jsonl\n")
    assert len(ids(settings.call_log)) == 2
    done = host("--days", "90")
    assert (done.exit_code, done.stdout) == (0, "removed 1 from calls.jsonl\n")
    assert ids(settings.call_log) == ["young"]
    assert host("--days", "90").stdout == "removed nothing\n"


def test_the_command_takes_the_days_of_the_settings(
    host: Host, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(settings.call_log, a_record(ended_at=YEAR_AGO))
    monkeypatch.setenv("HOST_KEEP_RECORDS_DAYS", "36000")
    assert host().stdout == "removed nothing\n"
    monkeypatch.setenv("HOST_KEEP_RECORDS_DAYS", "30")
    assert host().stdout == "removed 1 from calls.jsonl\n"


def test_no_days_mean_everything_and_none_at_all_is_an_error(
    host: Host, settings: Settings
) -> None:
    write(settings.call_log, a_record(ended_at=YEAR_AGO))
    refused = host()
    assert "give --days" in str(refused.exception)
    assert len(ids(settings.call_log)) == 1
    assert host("--days", "0").exit_code == 0
    assert ids(settings.call_log) == []
