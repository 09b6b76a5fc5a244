"""What the host writes of calls is its owner's only, also what an earlier one left open."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from stored import a_record

from host.call.live import LiveCall
from host.call.state import CallState
from host.compliance.budget import Budget
from host.dispatch.idempotency import Requests
from host.privacy import Pseudonyms, private_folder
from host.records.outcome import Outcome
from host.runner.checkpoint import CheckpointStore
from host.server.serve import close_files
from host.settings import PersonaSettings, Settings
from host.settings.plugins import declare
from host.speech.recording import new_file, part_of
from plugins import call_database, call_log, webhook

declare("webhook", webhook.Webhook)

CALLER = "+15557770001"


@pytest.fixture
def umask() -> Iterator[None]:
    """As systems have it: others may read. What a test sets is taken back."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def settings(
    tmp_path: Path, umask: None, clean_environment: None, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """A deployment that keeps all that can be kept, everything in folders of its own."""
    monkeypatch.chdir(tmp_path)
    return Settings(
        call_log=tmp_path / "log" / "calls.jsonl",
        call_database=tmp_path / "db" / "calls.db",
        recordings_dir=tmp_path / "recordings",
        state_dir=tmp_path / "state",
        plugins={"webhook": {"url": "http://127.0.0.1:9/calls"}},
    )


async def have_a_call(settings: Settings) -> None:
    """Write whatever a call writes, with the code that writes it."""
    call = LiveCall(settings, CallState(id="AJ_1", room="desk-1", number=CALLER))
    record = a_record(number=CALLER)
    CheckpointStore(settings.state_dir).write(call)
    Pseudonyms(settings.state_dir).of(CALLER)
    limits = PersonaSettings(max_calls=1)
    Budget(settings.state_dir).admit("AJ_1", "desk", limits)
    Requests(settings.state_dir).claim("key", "AJ_1", "desk-1", "RM_1")
    Requests(settings.state_dir).settle("AJ_1", Outcome.COMPLETED, "Over.", begun=True)
    part = part_of(new_file(settings.recordings_dir, "AJ_1"))
    part.write_bytes(b"Ogg")
    part.rename(part.with_suffix(""))
    for plugin in (call_log, call_database, webhook):
        await plugin.call_ended(call.call, record)


def below(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*"))
    assert len(found) > 12
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_all_that_a_call_writes_is_its_owners_only(
    settings: Settings, tmp_path: Path
) -> None:
    close_files(settings)
    await have_a_call(settings)
    for path in below(tmp_path):
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path


async def test_a_call_closes_its_files_itself_whatever_the_process_allows(
    settings: Settings, tmp_path: Path
) -> None:
    await have_a_call(settings)
    for path in below(tmp_path):
        if path.is_file():
            assert mode(path) == 0o600, path


async def test_the_files_beside_a_database_in_use_are_closed_too(settings: Settings) -> None:
    import sqlite3
    from contextlib import closing

    database = settings.call_database
    assert database is not None
    call_database.make(database)
    with closing(sqlite3.connect(database)) as reader:
        reader.execute("SELECT * FROM calls").fetchall()
        record = a_record().model_dump(mode="json")
        await asyncio.to_thread(call_database.write, database, record)
        assert {file.name for file in database.parent.iterdir()} == {
            "calls.db",
            "calls.db-shm",
            "calls.db-wal",
        }
        assert {mode(file) for file in database.parent.iterdir()} == {0o600}


async def test_what_an_earlier_host_left_open_is_closed_at_the_start(
    settings: Settings, tmp_path: Path
) -> None:
    await have_a_call(settings)
    for path in below(tmp_path):
        path.chmod(0o755 if path.is_dir() else 0o644)
    close_files(settings)
    for path in below(tmp_path):
        if path not in (tmp_path / "log", tmp_path / "db"):  # they may have others' files, too
            assert mode(path) == (0o700 if path.is_dir() else 0o600), path


async def test_a_log_and_a_database_that_are_open_are_closed_by_the_next_call(
    settings: Settings, tmp_path: Path
) -> None:
    await have_a_call(settings)
    files = [settings.call_log, tmp_path / "db" / "calls.db"]
    for file in files:
        file.chmod(0o664)
    call = LiveCall(settings, CallState(id="AJ_2", room="desk-2"))
    record = a_record(id="AJ_2", ended_at=datetime.now(UTC))
    await call_log.call_ended(call.call, record)
    await call_database.call_ended(call.call, record)
    assert [mode(file) for file in files] == [0o600, 0o600]


def test_where_links_lead_stays_as_it_is(settings: Settings, tmp_path: Path) -> None:
    music = tmp_path / "music.wav"
    music.write_bytes(b"RIFF")
    settings.state_dir.mkdir()
    (settings.state_dir / "link").symlink_to(music)
    close_files(settings)
    assert mode(music) == 0o644


def test_a_place_that_is_not_there_or_no_file_stops_no_start(tmp_path: Path, umask: None) -> None:
    close_files(
        Settings(
            call_log=Path("/dev/null"),
            call_database=tmp_path / "nothing.db",
            state_dir=tmp_path / "nothing",
            recordings_dir=tmp_path / "nothing",
        )
    )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_made_with_all_above_it(tmp_path: Path, umask: None) -> None:
    private_folder(tmp_path / "a" / "b" / "c")
    assert [mode(tmp_path / path) for path in ("a", "a/b", "a/b/c")] == [0o700] * 3
    (tmp_path / "a" / "b").chmod(0o755)
    private_folder(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o700
