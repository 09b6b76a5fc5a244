"""Drafts of the records of live calls: private, whole, and gone when the call is over."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from pathlib import Path

import pytest
from sample_calls import an_answered_call
from waiting import logged_by_the_host, meanwhile

from host.base.processes import Process, this_process
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.settings import Settings


async def test_a_draft_is_private_and_goes_when_the_call_is_recorded(tmp_path: Path) -> None:
    journal, call = CheckpointStore(tmp_path), an_answered_call(Settings())
    journal.write(call)
    (file,) = (tmp_path / "unfinished").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    draft = journal.read("AJ_1")
    assert draft is not None
    assert (draft.record.number, draft.process.alive, draft.over) == ("+15552220001", True, False)
    journal.close(call.id)
    assert not file.exists()
    assert journal.read("AJ_1") is None


class Watched(CheckpointStore):
    """A journal that tells when it writes a draft, or can't."""

    def __init__(self, state: Path) -> None:
        super().__init__(state)
        self._put = asyncio.Event()

    def put(self, draft: Checkpoint) -> None:
        try:
            super().put(draft)
        finally:
            self._put.set()

    async def next_put(self) -> None:
        """Wait until it writes, or tries to, from now on."""
        self._put.clear()
        await asyncio.wait_for(self._put.wait(), 10)


async def test_a_draft_of_which_nothing_is_new_gives_signs_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.runner.checkpoint.EVERY", 0.01)
    monkeypatch.setattr("host.runner.checkpoint.BEAT", 0.05)
    journal, call, begun = Watched(tmp_path), an_answered_call(Settings()), time.time()
    file = journal.file(call.id)
    async with meanwhile(journal.keep(call)):
        await journal.next_put()
        for _ in range(2):
            os.utime(file, (0, 0))
            await journal.next_put()
            assert file.stat().st_mtime >= begun


async def test_a_disk_that_was_full_is_said_once_and_the_draft_is_kept_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.runner.checkpoint.EVERY", 0.01)
    journal, call = Watched(tmp_path), an_answered_call(Settings())
    journal.folder.write_text("a file, where nothing can be made")
    async with meanwhile(journal.keep(call)):
        await journal.next_put()
        assert "no draft of the call's record can be written" in caplog.text
        call.number = "+15552220002"
        await journal.next_put()
        journal.folder.unlink()
        call.number = "+15552220003"
        await journal.next_put()
    draft = journal.read(call.id)
    assert draft is not None
    assert draft.record.number == "+15552220003"
    assert len(logged_by_the_host(caplog)) == 1


@pytest.mark.parametrize("text", ["{half", '{"number": "+15552220001", "record": {"id": 3}}'])
async def test_a_draft_that_can_not_be_read_is_none_and_not_quoted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    journal = CheckpointStore(tmp_path)
    journal.folder.mkdir()
    journal.file("AJ_1").write_text(text)
    assert journal.read("AJ_1") is None
    (said,) = logged_by_the_host(caplog)
    line = said.getMessage()
    assert line.startswith("the draft of the call AJ_1 can't be read: ")
    assert "half" not in line
    assert "555" not in line


async def test_a_draft_of_another_machine_is_left_to_that_machine() -> None:
    process = this_process()
    assert Process("elsewhere", process.number, process.began).alive is None


def test_a_process_is_told_from_a_later_one_of_its_number() -> None:
    process = this_process()
    assert process.alive
    assert Process(process.machine, process.number, process.began - 60).alive is False
