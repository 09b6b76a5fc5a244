"""Drafts of the records of live calls: private, whole, and gone when the call is over."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import time
from pathlib import Path

import pytest
from pydantic import ValidationError
from sample_calls import an_answered_call
from waiting import logged_by_the_host, meanwhile

from host.base.processes import Process, this_process
from host.call.state import AnsweredBy, CallState, CallStatus
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.runner.takeover import restored
from host.settings import Settings


async def test_a_checkpoint_is_private_and_goes_when_the_call_is_recorded(tmp_path: Path) -> None:
    checkpoints, call = CheckpointStore(tmp_path), an_answered_call(Settings())
    checkpoints.write(call)
    (file,) = (tmp_path / "unfinished").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    checkpoint = checkpoints.read("AJ_1")
    assert checkpoint is not None
    assert (checkpoint.state.number, checkpoint.process.alive) == ("+15552220001", True)
    assert checkpoint.record is None
    checkpoints.close(call.state.id)
    assert not file.exists()
    assert checkpoints.read("AJ_1") is None


async def test_what_json_can_hold_of_an_authors_state_is_there_when_a_call_is_taken_over(
    tmp_path: Path,
) -> None:
    checkpoints, call = CheckpointStore(tmp_path), an_answered_call(Settings())
    call.keypad.keep_secret("4711")
    kept = {"order": 7, "items": ["milk"]}
    lost = {"at": object(), "by": (1,), "half": "\ud83d", "never": float("inf")}
    call.state.greeted, call.state.voicemail_reason = True, "it said \ud83d"
    call.state.mark("ended")  # its process died in its end
    for name, value in {**kept, **lost, "said": "it is 4711", "pin": 4711}.items():
        setattr(call.call.state, name, value)
    checkpoints.write(call)
    checkpoint = checkpoints.read("AJ_1")
    assert checkpoint is not None
    again = restored(Settings(), checkpoint)
    assert vars(again.call.state) == {**kept, "said": "it is ••••", "pin": "••••"}
    call.state.greeted, call.state.ended_at = False, None
    assert again.state == call.state


def test_statuses_and_what_answered_are_written_as_the_strings_that_they_are() -> None:
    state = CallState(status=CallStatus.ACTIVE, voicemail=AnsweredBy.MACHINE_VM)
    written = json.loads(state.model_dump_json())
    assert (written["status"], written["voicemail"]) == ("active", "machine-vm")
    assert CallState.model_validate(written) == state
    with pytest.raises(ValidationError):
        CallState.model_validate({**written, "status": "ringin"})


class Watched(CheckpointStore):
    """A checkpoints that tells when it writes a checkpoint, or can't."""

    def __init__(self, state: Path) -> None:
        super().__init__(state)
        self._put = asyncio.Event()

    def put(self, checkpoint: Checkpoint, *, sync: bool = False) -> None:
        try:
            super().put(checkpoint, sync=sync)
        finally:
            self._put.set()

    async def next_put(self) -> None:
        """Wait until it writes, or tries to, from now on."""
        self._put.clear()
        await asyncio.wait_for(self._put.wait(), 10)


async def test_a_checkpoint_of_which_nothing_is_new_gives_signs_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.runner.checkpoint.EVERY", 0.01)
    monkeypatch.setattr("host.runner.checkpoint.BEAT", 0.05)
    checkpoints, call, begun = Watched(tmp_path), an_answered_call(Settings()), time.time()
    file = checkpoints.file(call.state.id)
    async with meanwhile(checkpoints.keep(call)):
        await checkpoints.next_put()
        for _ in range(2):
            os.utime(file, (0, 0))
            await checkpoints.next_put()
            assert file.stat().st_mtime >= begun


async def test_a_disk_that_was_full_is_said_once_and_the_checkpoint_is_kept_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.runner.checkpoint.EVERY", 0.01)
    checkpoints, call = Watched(tmp_path), an_answered_call(Settings())
    checkpoints.folder.write_text("a file, where nothing can be made")
    async with meanwhile(checkpoints.keep(call)):
        await checkpoints.next_put()
        assert "can't write the checkpoint of the call" in caplog.text
        call.state.number = "+15552220002"
        await checkpoints.next_put()
        checkpoints.folder.unlink()
        call.state.number = "+15552220003"
        await checkpoints.next_put()
    checkpoint = checkpoints.read(call.state.id)
    assert checkpoint is not None
    assert checkpoint.state.number == "+15552220003"
    assert len(logged_by_the_host(caplog)) == 1


@pytest.mark.parametrize("text", ["{half", '{"number": "+15552220001", "record": {"id": 3}}'])
async def test_a_checkpoint_that_can_not_be_read_is_none_and_not_quoted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    checkpoints = CheckpointStore(tmp_path)
    checkpoints.folder.mkdir()
    checkpoints.file("AJ_1").write_text(text)
    assert checkpoints.read("AJ_1") is None
    (said,) = logged_by_the_host(caplog)
    line = said.getMessage()
    assert line.startswith("can't read the checkpoint of call AJ_1: ")
    assert "half" not in line
    assert "555" not in line


async def test_a_checkpoint_of_another_machine_is_left_to_that_machine() -> None:
    process = this_process()
    assert Process("elsewhere", process.number, process.began).alive is None


def test_a_process_is_told_from_a_later_one_of_its_number() -> None:
    process = this_process()
    assert process.alive
    assert Process(process.machine, process.number, process.began - 60).alive is False
