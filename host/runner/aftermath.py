"""What is still done for a call whose process is gone, or whose parent is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sqlite3
import threading

from livekit import api

from host import registry
from host.base.clock import now
from host.compliance.budget import Budget
from host.dispatch.arbitration import CALL
from host.dispatch.idempotency import Requests
from host.dispatch.livekit import livekit_of
from host.dispatch.rooms import consult_room, delete_room
from host.records.record import CallRecord
from host.records.redaction import redacted
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.runner.takeover import restored
from host.settings import Settings

log = logging.getLogger("host")

LOOK_LIMIT = 2.0
"""Seconds that LiveKit may take to say who is in a room."""
WATCHERS_LIMIT = 2.0
"""Seconds that LiveKit may take to tell who watches the call."""


def ended_now(checkpoint: Checkpoint) -> Checkpoint:
    """Return the checkpoint of a call that ends at this moment, unless it had ended before."""
    if checkpoint.record:
        return checkpoint
    state = checkpoint.state.model_copy(update={"ended_at": checkpoint.state.ended_at or now()})
    over = checkpoint.model_copy(update={"state": state})
    return over.model_copy(update={"record": over.last_record()})


async def hang_up(settings: Settings, record: CallRecord) -> None:
    """Hang up on whoever is left on the line, and tell who watches the call how it ended."""
    with contextlib.suppress(Exception):  # `delete_room` has logged it
        async with livekit_of(settings) as livekit:
            if await _is_anothers(livekit, record):
                return  # its process died before it could see that it came second
            await _notify_watchers(livekit, record)
            await delete_room(livekit, record.room)
            await delete_room(livekit, consult_room(record.room))


def settle_request(settings: Settings, record: CallRecord, *, begun: bool) -> None:
    """Write down what became of a call's request: no more than its record tells of it.

    Raises OSError or sqlite3.Error.
    """
    told = redacted(record, settings.persona(record.persona or ""), settings.state_dir)
    Requests(settings.state_dir).settle(told.id, told.outcome, told.reason, begun=begun)


async def tell_end(settings: Settings, checkpoint: Checkpoint) -> None:
    """Tell everyone of the end of a call, as its own process would have."""
    record, state = checkpoint.last_record(), checkpoint.state
    if state.metadata.get("idempotency_key"):
        with contextlib.suppress(OSError, sqlite3.Error):
            # It may have been dialled: the request is not free again.
            settle_request(settings, record, begun=True)
    with contextlib.suppress(OSError, sqlite3.Error):
        _count_out(settings, record)
    loaded = registry.load(settings)
    persona = state.persona if state.persona in loaded.personas else None
    call = restored(settings, checkpoint)
    call.take(persona or "", loaded.view(persona))
    await call.events.emit_end(record)


def _count_out(settings: Settings, record: CallRecord) -> None:
    """Count a call out: of one of another machine, the budget can't tell that it is over."""
    made = record.direction == "inbound" or record.dialled_at is not None
    limits = settings.persona(record.persona or "")
    Budget(settings.state_dir).settle(record.id, record.duration, limits, made=made)


def finish_alone(settings: Settings, checkpoint: Checkpoint) -> None:
    """Hang up and tell of the end, and come back when that is done. It blocks the loop of the call.

    LiveKit cancels all that this loop does, and closes its connections, once the parent is gone: so
    it is done by another loop, in a thread. We wait for it, since with its main thread at its end
    the interpreter starts no more work of other threads: no file written, no name looked up.
    """

    async def finish() -> None:
        checkpoints = CheckpointStore(settings.state_dir)
        with contextlib.suppress(OSError):
            checkpoints.put(checkpoint)  # should we die while it is told
        await hang_up(settings, checkpoint.last_record())
        await tell_end(settings, checkpoint)
        checkpoints.close(checkpoint.state.id)

    finishing = threading.Thread(target=lambda: asyncio.run(finish()), name="finishing a call")
    finishing.start()
    finishing.join()


async def _is_anothers(livekit: api.LiveKitAPI, record: CallRecord) -> bool:
    """Tell whether another agent of ours has the room of this call."""
    if record.persona:
        return False
    with contextlib.suppress(Exception):
        request = api.ListParticipantsRequest(room=record.room)
        inside = await asyncio.wait_for(livekit.room.list_participants(request), LOOK_LIMIT)
        jobs = [each.attributes.get(CALL) for each in inside.participants]
        return any(job and job != record.id for job in jobs)
    return False


async def _notify_watchers(livekit: api.LiveKitAPI, record: CallRecord) -> None:
    """Tell `python -m host call` in the room's metadata: the participant that told it is dead."""
    told = {"host.outcome": record.outcome.value, "host.reason": record.reason}
    request = api.UpdateRoomMetadataRequest(room=record.room, metadata=json.dumps(told))
    with contextlib.suppress(Exception):
        await asyncio.wait_for(livekit.room.update_room_metadata(request), WATCHERS_LIMIT)
