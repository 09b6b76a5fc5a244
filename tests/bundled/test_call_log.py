"""The call log: one line for each call, whatever else goes on."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import resource
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from deployment import HERE
from programs import printed_by
from stored import a_record
from waiting import logged_by_the_host

from host.call.live import LiveCall
from host.call.state import CallState
from host.records.log import CallLog
from host.records.record import CallRecord
from host.settings import Settings
from plugins import call_log

pytestmark = pytest.mark.processes

LONG = "word " * 40_000
"""Longer than what any system writes in one piece by chance: 200 kB."""


def end(file: Path, record: CallRecord) -> None:
    """What the end of a call does, in its process."""
    call = LiveCall(Settings(call_log=file), CallState(id=record.id, room=record.room))
    asyncio.run(call_log.call_ended(call.call, record))


def end_several(file: Path, name: str) -> None:
    for number in range(10):
        end(file, a_record(id=f"{name}-{number}", reason=LONG))


def records(file: Path) -> list[CallRecord]:
    log = CallLog(file)
    found = list(log.newest_first())
    assert not log.passed_over
    return found


def test_a_record_is_one_line_that_only_its_owner_may_read(tmp_path: Path) -> None:
    file = tmp_path / "new" / "calls.jsonl"
    end(file, a_record(reason="Two\nlines, and \u2028 a third."))
    end(file, a_record("v1-refused"))
    assert records(file) == [
        a_record("v1-refused"),
        a_record(reason="Two\nlines, and \u2028 a third."),
    ]
    assert file.read_bytes().count(b"\n") == 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_record_that_is_told_again_by_another_process_stays_one(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    record, other = a_record(reason="It said é."), a_record(id="other")
    end(log, record)
    end(log, other)
    end(log, CallRecord.model_validate_json(record.model_dump_json()))
    assert sorted(each.id for each in records(log)) == sorted([record.id, "other"])


def test_calls_that_end_at_once_in_processes_of_their_own_are_all_there(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    names = ["a", "b", "c", "d"]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(names), mp_context=spawn) as processes:
        list(processes.map(end_several, [file] * len(names), names))
    expected = {f"{name}-{number}" for name in names for number in range(10)}
    found = records(file)
    assert {record.id for record in found} == expected
    assert len(found) == len(expected)


def end_with_a_full_disk(file: Path, allowed: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (allowed, allowed))
    end(file, a_record(id="AJ_2"))


def test_a_line_that_was_left_half_written_swallows_no_other(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    end(file, a_record(id="AJ_1"))
    allowed = file.stat().st_size + 100
    process = multiprocessing.get_context("spawn").Process(
        target=end_with_a_full_disk, args=(file, allowed)
    )
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert file.stat().st_size == allowed
    end(file, a_record(id="AJ_3"))
    log = CallLog(file)
    assert [record.id for record in log.newest_first()] == ["AJ_3", "AJ_1"]
    assert log.passed_over == 1


def the_one_error(caplog: pytest.LogCaptureFixture) -> str:
    (line,) = [line for line in logged_by_the_host(caplog) if line.levelno == logging.ERROR]
    assert line.exc_info is None
    return line.getMessage()


def test_a_record_that_can_not_be_written_is_put_aside_for_its_owner_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    end(tmp_path, a_record())  # a folder
    text = the_one_error(caplog)
    assert text.startswith(f"{tmp_path} can't be written (")
    assert text.endswith("the call's record is in .host/unwritten")
    file = tmp_path / ".host" / "unwritten" / f"{a_record().id}.json"
    assert CallRecord.model_validate_json(file.read_text()) == a_record()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("open_to_words", [False, True])
def test_a_record_that_can_be_written_nowhere_stands_in_the_hosts_own_log_without_its_words(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    open_to_words: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".host").write_text("no folder")
    monkeypatch.setenv("HOST_LOG_TRANSCRIPTS", str(open_to_words))
    end(tmp_path, a_record())
    told = CallRecord.model_validate_json(the_one_error(caplog).partition("record is ")[2])
    assert told == (a_record() if open_to_words else a_record(transcript=[], tools=[]))


def test_the_log_may_be_the_standard_output(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from test_call_log import end; from stored import a_record\n"
        "end(Path('/dev/stdout'), a_record())"
    )
    printed = printed_by(code, cwd=HERE / "bundled", env={"PYTHONPATH": f"{HERE}:{HERE.parent}"})
    assert CallRecord.model_validate_json(printed) == a_record()
