"""Drafts of the records of live calls, on disk, so that a call whose process dies has one too.

Each call's process keeps a draft of its record. The parent looks for drafts whose process is gone,
of this run or an earlier one: it hangs up, and finishes the record.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from livekit import api
from pydantic import BaseModel, ValidationError

from host import registry
from host.call import Call, Ending, now
from host.line import consult_room, delete_room
from host.outcome import Outcome
from host.processes import Process, this_process
from host.record import CallRecord, record_of
from host.settings import Settings

log = logging.getLogger("host")

EVERY = 1.0
"""Seconds between two drafts of a call, and between two looks at all of them."""
DIED = "The call's process died."


class Draft(BaseModel):
    """A call as far as it had come."""

    machine: str
    number: int
    began: float
    metadata: dict[str, Any]
    record: CallRecord
    over: bool = False
    """Whether the record is the true one, of a call that came to its end."""


class Journal:
    """The drafts of a host's calls."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.state_dir / "unfinished"

    async def keep(self, call: Call) -> None:
        """Keep the draft of a call up to date until the call is over."""
        while True:
            try:
                self.write(call)
            except OSError as error:
                log.error("no draft of the call's record can be written: %s", error)
                return
            await asyncio.sleep(EVERY)

    def write(self, call: Call, record: CallRecord | None = None) -> None:
        """Write the draft of a call, as it would be recorded if its process died now.

        The `record` of a call that is over stays as it is.
        """
        died = Ending(Outcome.FAILED, "host", DIED, error=DIED)
        draft = Draft(
            **asdict(this_process()),
            metadata=dict(call.metadata),
            record=record or record_of(call, died),
            over=record is not None,
        )
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._file(call.id)
        half = file.with_suffix(".part")
        with open(half, "w", opener=_private) as written:
            written.write(draft.model_dump_json())
        half.rename(file)

    def close(self, call: Call) -> None:
        """Forget the draft: the record is written."""
        self._file(call.id).unlink(missing_ok=True)

    async def watch(self) -> None:
        """Finish the calls whose process is gone, for as long as the host serves."""
        while True:
            for file in sorted(self._folder.glob("*.json")):
                try:
                    with _claimed(file) as text:
                        if text is not None:
                            await self._look_at(file, text)
                except (OSError, ValidationError) as error:
                    log.error("the unfinished record %s: %s", file.name, error)
                    file.rename(file.with_suffix(".broken"))
            await asyncio.sleep(EVERY)

    async def _look_at(self, file: Path, text: str) -> None:
        draft = Draft.model_validate_json(text)
        if Process(draft.machine, draft.number, draft.began).alive is False:
            await self._finish(draft)
            file.unlink(missing_ok=True)

    async def _finish(self, draft: Draft) -> None:
        """Hang up on whoever is left on the line, and tell of the call's end."""
        record = draft.record if draft.over else _ended_now(draft.record)
        log.error("the process of the call in room %s died; hanging up", record.room)
        secret = self._settings.livekit_api_secret.get_secret_value()
        url, key = self._settings.livekit_url, self._settings.livekit_api_key
        with contextlib.suppress(Exception):  # `delete_room` has logged it
            async with api.LiveKitAPI(url, key, secret) as livekit:
                await _tell_watchers(livekit, record)
                await delete_room(livekit, record.room)
                await delete_room(livekit, consult_room(record.room))
        loaded = registry.load(self._settings)
        persona = record.persona if record.persona in loaded.personas else None
        call = Call(
            self._settings,
            id=record.id,
            room=record.room,
            persona=persona or "",
            hook=loaded.view(persona),
            metadata=draft.metadata,
            outbound=record.direction == "outbound",
            number=record.number,
            our_number=record.our_number,
        )
        await call.tell_all("call_ended", record=record)

    def _file(self, call: str) -> Path:
        return self._folder / f"{call}.json"


async def _tell_watchers(livekit: api.LiveKitAPI, record: CallRecord) -> None:
    """Tell `python -m host call` in the room's metadata: the participant that told it is dead."""
    told = {"host.outcome": record.outcome.value, "host.reason": record.reason}
    request = api.UpdateRoomMetadataRequest(room=record.room, metadata=json.dumps(told))
    with contextlib.suppress(Exception):
        await asyncio.wait_for(livekit.room.update_room_metadata(request), 2)


def _ended_now(record: CallRecord) -> CallRecord:
    ended = now()
    since = record.answered_at
    duration = round((ended - since).total_seconds(), 3) if since else 0.0
    return record.model_copy(update={"ended_at": ended, "duration": duration})


@contextlib.contextmanager
def _claimed(file: Path) -> Iterator[str | None]:
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


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
