"""Drafts of the records of live calls, on disk, so that a call whose process dies has one too.

Each call's process keeps a draft of its record. Where the process is gone, the draft tells how far
the call had come: enough to write its record, and for another process to take the call over.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from host.base.processes import Process, this_process
from host.call.call import Call
from host.call.record import record_of
from host.privacy import private_folder, private_opener
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import CallRecord

log = logging.getLogger("host")

EVERY = 0.25
"""Seconds between two looks at a call for what its draft does not know yet."""
BEAT = 30.0
"""Seconds after which a draft of which nothing is new is written again, as a sign of life."""
FORSAKEN = 300.0
"""Seconds without one after which a call of another machine has nobody any more.

Of a call's process on another machine nobody here can tell, but its own host kills one whose loop
stands still for 6 s. So a draft that has missed ten signs of life is one of a machine that is gone,
as that of a container is which came back under another name.
"""
DIED = "The call's process died."


class Checkpoint(BaseModel):
    """A call as far as it had come."""

    machine: str
    number: int
    began: float
    metadata: dict[str, Any]
    record: CallRecord
    far_end: str | None = None
    """The far end's identity in the room."""
    agent: str | None = None
    """Our own identity in the room."""
    colleague: tuple[str, str] | None = None
    """Identity and name of the colleague who has the call, once it was handed over."""
    over: bool = False
    """Whether the record is the true one, of a call that came to its end."""
    awaiting_takeover: bool = False
    """Whether the process is gone and another one is to take the call over."""

    @property
    def process(self) -> Process:
        """The process that has the call, or had it."""
        return Process(self.machine, self.number, self.began)

    def abandoned(self, written: float) -> bool:
        """Tell whether nobody has the call any more; its draft was written at that time."""
        alive = self.process.alive
        return time.time() - written > FORSAKEN if alive is None else not alive


class CheckpointStore:
    """The drafts of a host's calls."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "unfinished"

    async def keep(self, call: Call) -> None:
        """Keep the draft of a call up to date until the call is over."""
        known, since, told = None, 0.0, False
        while True:
            draft, now = self.draft(call), time.monotonic()
            facts = draft.model_dump(exclude={"record": {"ended_at", "duration"}})
            if facts != known or now - since > BEAT:
                known, since = facts, now
                try:
                    self.put(draft)
                except OSError as error:
                    if not told:
                        log.error("no draft of the call's record can be written: %s", error)
                    told = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.noted.wait(), EVERY)
            call.noted.clear()

    def write(self, call: Call, record: CallRecord | None = None) -> None:
        """Write the draft of a call, as it would be recorded if its process died now.

        The `record` of a call that is over stays as it is.
        """
        self.put(self.draft(call, record))

    def draft(self, call: Call, record: CallRecord | None = None) -> Checkpoint:
        """Make the draft of a call."""
        died = Ending(Outcome.FAILED, "host", DIED, error=DIED)
        line = call.line
        return Checkpoint(
            **asdict(this_process()),
            metadata=dict(call.metadata),
            record=record or record_of(call, died),
            agent=line.room.local_participant.identity if line else None,
            far_end=line.identity if line else None,
            colleague=line.colleague if line else None,
            over=record is not None,
        )

    def put(self, draft: Checkpoint) -> None:
        """Write a draft in one step. It is private."""
        private_folder(self.folder)
        file = self.file(draft.record.id)
        half = file.with_suffix(".part")
        with open(half, "w", opener=private_opener) as written:
            written.write(draft.model_dump_json())
        half.rename(file)

    def read(self, call: str) -> Checkpoint | None:
        """Read the draft of a call; None where there is none that can be read."""
        try:
            return Checkpoint.model_validate_json(self.file(call).read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            log.error("the draft of the call %s can't be read: %s", call, unquoted(error))
            return None

    def close(self, call: str) -> None:
        """Forget the draft of a call: its record is written."""
        self.file(call).unlink(missing_ok=True)

    def file(self, call: str) -> Path:
        """The file of a call's draft."""
        return self.folder / f"{call}.json"


def unquoted(error: OSError | ValidationError) -> str:
    """Say what is wrong with a draft without a word of what is in it."""
    if isinstance(error, OSError):
        return str(error)
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(" ".join([*map(str, fault["loc"]), fault["msg"]]) for fault in faults)


@contextlib.contextmanager
def claimed(file: Path) -> Iterator[str | None]:
    """Hold a draft so that no other host of this folder takes it too; None where one does."""
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
