"""Drafts of the records of live calls: private, whole, and gone when the call is over."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from host.call import Call
from host.journal import Journal
from host.processes import Process, this_process
from host.settings import Settings


def a_call() -> Call:
    """A call that is under way."""
    call = Call(Settings(), id="AJ_1", room="ann-1", number="+15552220001", outbound=True)
    call.mark("dialled")
    call.mark("answered")
    return call


async def test_a_draft_is_private_and_goes_when_the_call_is_recorded(tmp_path: Path) -> None:
    journal, call = Journal(tmp_path), a_call()
    journal.write(call)
    (file,) = (tmp_path / "unfinished").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    draft = journal.read("AJ_1")
    assert draft is not None
    assert (draft.record.number, draft.process.alive, draft.over) == ("+15552220001", True, False)
    journal.close(call.id)
    assert not file.exists()
    assert journal.read("AJ_1") is None


async def test_a_draft_that_is_half_is_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(tmp_path)
    journal.folder.mkdir()
    journal.file("AJ_1").write_text("{half")
    assert journal.read("AJ_1") is None
    assert "AJ_1" in caplog.text


async def test_a_draft_of_another_machine_is_left_to_that_machine() -> None:
    process = this_process()
    assert Process("elsewhere", process.number, process.began).alive is None


def test_a_process_is_told_from_a_later_one_of_its_number() -> None:
    process = this_process()
    assert process.alive
    assert Process(process.machine, process.number, process.began - 60).alive is False
