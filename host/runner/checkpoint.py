"""Stores checkpoints of live calls, so that a call is recorded or resumed if its process dies.

Each call's process writes its own checkpoint. It holds enough to write the call's record, and for
another process to take the call over.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ValidationError

from host.base.processes import Process, this_process
from host.base.validation import faults_in, sentence
from host.call.live import LiveCall
from host.call.state import CallState
from host.privacy import private_folder, write_whole
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import CallRecord

log = logging.getLogger("host")

EVERY = 0.25
"""Seconds between checks for changes."""
BEAT = 30.0
"""Seconds after which an unchanged checkpoint is written again, as a sign of life."""
ABANDONED = 300.0
"""Seconds without a write after which a call of another machine counts as abandoned.

Processes of another machine can't be checked from here, but their own host kills one whose loop is
blocked for 6 s. So ten missed writes mean that the machine is gone, for example a container that
came back under another name.
"""
LARGEST = 16 * 1024 * 1024
"""Bytes of a checkpoint that are read: those of long calls have some hundred thousand."""
DIED = "the call's process died"


class WrittenBy(BaseModel):
    """A file that names the process that wrote it, such as a checkpoint."""

    machine: str
    number: int
    began: float

    @property
    def process(self) -> Process:
        """The process that wrote the file."""
        return Process(self.machine, self.number, self.began)

    def abandoned(self, written: float) -> bool:
        """Return whether the call has no process any more.

        `written` is the file's modification time, in seconds since the epoch.
        """
        alive = self.process.alive
        return time.time() - written > ABANDONED if alive is None else not alive


class Checkpoint(WrittenBy):
    """A call's state at one moment."""

    state: CallState
    kept: dict[str, Any] = {}
    """`call.state` of personas and plugins, as far as it is JSON."""
    record: CallRecord | None = None
    """The record of a call that has ended; None before that."""
    awaiting_takeover: bool = False
    """Whether the process has died and another one is to take the call over."""
    unplaced: bool = False
    """Whether the API accepted the call, and no process ever had it."""

    def last_record(self) -> CallRecord:
        """Return the call's record, or one that says that the process died."""
        return self.record or self.state.record(Ending(Outcome.FAILED, "host", DIED, error=DIED))


class CheckpointStore:
    """Checkpoints as files, `state_dir/unfinished/<call id>.json`."""

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / "unfinished"

    async def keep(self, call: LiveCall) -> None:
        """Write a call's checkpoint on every change, and tell of it, until cancelled."""
        known, since, logged = "", 0.0, False
        while True:
            if call.live_events:  # first: a process that takes the call over tells what is newer
                call.live_events.look()
            checkpoint, now = self.checkpoint(call), time.monotonic()
            facts = checkpoint.model_dump_json()  # quicker than to compare values
            if facts != known or now - since > BEAT:
                known, since = facts, now
                try:
                    self.put(checkpoint)
                except OSError as error:
                    if not logged:
                        log.error("can't write the checkpoint of the call: %s", error)
                    logged = True
                else:
                    _tell(call)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.transcript_changed.wait(), EVERY)
            call.transcript_changed.clear()

    def write(
        self, call: LiveCall, record: CallRecord | None = None, *, sync: bool = False
    ) -> None:
        """Write a call's checkpoint, with its `record` once it has ended; `sync` as for `put`."""
        self.put(self.checkpoint(call, record), sync=sync)
        _tell(call)

    def checkpoint(self, call: LiveCall, record: CallRecord | None = None) -> Checkpoint:
        """Build a call's checkpoint."""
        kept = json.loads(call.keypad.hide(json.dumps(_in_json(vars(call.call.state)))))
        process = asdict(this_process())
        return Checkpoint(**process, state=call.state, kept=kept, record=record)

    def put(self, checkpoint: Checkpoint, *, sync: bool = False) -> None:
        """Write a checkpoint atomically, to a private file; `sync`: it survives a power failure."""
        private_folder(self.folder)
        content = checkpoint.model_dump_json().encode()
        write_whole(self.file(checkpoint.state.id), content, sync=sync)

    def read(self, call: str) -> Checkpoint | None:
        """Read a call's checkpoint; None if it is missing or unreadable."""
        try:
            with opened(self.file(call)) as file:
                return Checkpoint.model_validate_json(file.read())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            log.error("can't read the checkpoint of call %s: %s", call, unquoted(error))
            return None

    def close(self, call: str) -> None:
        """Delete a call's checkpoint: its record is written."""
        self.file(call).unlink(missing_ok=True)

    def file(self, call: str) -> Path:
        """Return the path of a call's checkpoint."""
        return self.folder / f"{call}.json"


def _tell(call: LiveCall) -> None:
    if call.live_events:
        call.live_events.saved()


def _in_json(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that survive a round trip through UTF-8 JSON."""
    same: dict[str, Any] = {}
    for name, value in values.items():
        with contextlib.suppress(TypeError, ValueError, RecursionError):
            written = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
            if json.loads(written) == value:
                same[name] = value
    return same


def unquoted(error: OSError | ValidationError) -> str:
    """Describe what is wrong with a checkpoint, without quoting its content."""
    if isinstance(error, OSError):
        return str(error)
    faults = faults_in(error)
    return "; ".join(sentence(".".join(map(str, fault["loc"])), fault) for fault in faults)


@contextlib.contextmanager
def claimed(file: Path) -> Iterator[Checkpoint | None]:
    """Lock and read a checkpoint; None if it is gone or another host has it.

    Raises OSError or ValidationError if it can't be read, or is of another call.
    """
    try:
        held = opened(file)
    except FileNotFoundError:
        yield None
        return
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        there = file.exists() and os.fstat(held.fileno()).st_ino == file.stat().st_ino
        checkpoint = Checkpoint.model_validate_json(held.read()) if there else None
        if checkpoint and checkpoint.state.id != file.stem:
            raise OSError(f"it is of another call, {checkpoint.state.id}")
        yield checkpoint


def opened(path: Path) -> BinaryIO:
    """Open a checkpoint for reading. Raises OSError, also if it can't be one."""
    # Without O_NONBLOCK, a named pipe would wait for somebody who writes.
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    facts = os.fstat(file.fileno())
    if stat.S_ISREG(facts.st_mode) and facts.st_size <= LARGEST:
        return file
    file.close()
    regular = stat.S_ISREG(facts.st_mode)
    raise OSError(f"it has {facts.st_size} bytes" if regular else "it is no regular file")
