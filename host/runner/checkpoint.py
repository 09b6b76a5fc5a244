"""Checkpoints of live calls on disk, so that a call whose process dies is recorded, or goes on.

Each call's process keeps a checkpoint of what is known of the call: enough to write its record, and
for another process to take the call over.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

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
"""Seconds between two looks at a call for what its checkpoint does not know yet."""
BEAT = 30.0
"""Seconds after which a checkpoint of which nothing is new is written again, as a sign of life."""
ABANDONED = 300.0
"""Seconds without one after which a call of another machine is abandoned.

Of a call's process on another machine nobody here can tell, but its own host kills one whose loop
stands still for 6 s. So a checkpoint that has missed ten signs of life is one of a machine that is
gone, as that of a container is which came back under another name.
"""
DIED = "the call's process died"


class Checkpoint(BaseModel):
    """A call as far as it had come."""

    machine: str
    number: int
    began: float
    state: CallState
    kept: dict[str, Any] = {}
    """What personas and plugins keep in `call.state`, as far as JSON can hold it."""
    record: CallRecord | None = None
    """The record of a call that came to its end; None while it lasts."""
    awaiting_takeover: bool = False
    """Whether the process is gone and another one is to take the call over."""

    @property
    def process(self) -> Process:
        """The process that has the call, or had it."""
        return Process(self.machine, self.number, self.began)

    def abandoned(self, written: float) -> bool:
        """Tell whether no process has the call any more; the checkpoint was written at that time.

        `written` is in seconds since the epoch.
        """
        alive = self.process.alive
        return time.time() - written > ABANDONED if alive is None else not alive

    def last_record(self) -> CallRecord:
        """Return the call's record: as it ended, or as of one whose process died now."""
        return self.record or self.state.record(Ending(Outcome.FAILED, "host", DIED, error=DIED))


class CheckpointStore:
    """The checkpoints of a host's calls."""

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / "unfinished"

    async def keep(self, call: LiveCall) -> None:
        """Keep the checkpoint of a call up to date until the call is over."""
        known, since, told = None, 0.0, False
        while True:
            checkpoint, now = self.checkpoint(call), time.monotonic()
            facts = checkpoint.model_dump()
            if facts != known or now - since > BEAT:
                known, since = facts, now
                try:
                    self.put(checkpoint)
                except OSError as error:
                    if not told:
                        log.error("can't write the checkpoint of the call: %s", error)
                    told = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.transcript_changed.wait(), EVERY)
            call.transcript_changed.clear()

    def write(self, call: LiveCall, record: CallRecord | None = None) -> None:
        """Write the checkpoint of a call; with the `record` of one that is over."""
        self.put(self.checkpoint(call, record))

    def checkpoint(self, call: LiveCall, record: CallRecord | None = None) -> Checkpoint:
        """Make the checkpoint of a call."""
        kept = json.loads(call.keypad.hide(json.dumps(_in_json(vars(call.call.state)))))
        process = asdict(this_process())
        return Checkpoint(**process, state=call.state, kept=kept, record=record)

    def put(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint in one step. It is private."""
        private_folder(self.folder)
        write_whole(self.file(checkpoint.state.id), checkpoint.model_dump_json().encode())

    def read(self, call: str) -> Checkpoint | None:
        """Read the checkpoint of a call; None where there is none that can be read."""
        try:
            return Checkpoint.model_validate_json(self.file(call).read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            log.error("can't read the checkpoint of call %s: %s", call, unquoted(error))
            return None

    def close(self, call: str) -> None:
        """Forget the checkpoint of a call: its record is written."""
        self.file(call).unlink(missing_ok=True)

    def file(self, call: str) -> Path:
        """The file of a call's checkpoint."""
        return self.folder / f"{call}.json"


def _in_json(values: dict[str, Any]) -> dict[str, Any]:
    """Return what JSON, written as UTF-8, gives back as it was."""
    same: dict[str, Any] = {}
    for name, value in values.items():
        with contextlib.suppress(TypeError, ValueError, RecursionError):
            written = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
            if json.loads(written) == value:
                same[name] = value
    return same


def unquoted(error: OSError | ValidationError) -> str:
    """Say what is wrong with a checkpoint without a word of what is in it."""
    if isinstance(error, OSError):
        return str(error)
    faults = faults_in(error)
    return "; ".join(sentence(".".join(map(str, fault["loc"])), fault) for fault in faults)


@contextlib.contextmanager
def claimed(file: Path) -> Iterator[str | None]:
    """Hold a checkpoint so that no other host of this folder takes it too; None where one does."""
    try:
        held = file.open()
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
        yield held.read() if there else None
