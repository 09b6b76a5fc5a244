"""Ends a call whose process has died, or whose parent has."""

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
from host.call.state import CallState
from host.compliance.budget import Budget
from host.dispatch.arbitration import CALL
from host.dispatch.idempotency import Requests
from host.dispatch.livekit import livekit_of
from host.dispatch.rooms import consult_room, delete_room
from host.records.record import CallRecord
from host.records.redaction import redacted
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.runner.live_events import LiveEvents
from host.runner.takeover import restored
from host.settings import Settings

log = logging.getLogger("host")

LOOK_LIMIT = 2.0
"""Seconds that LiveKit may take to list a room's participants."""
WATCHERS_LIMIT = 2.0
"""Seconds that LiveKit may take to update the room's metadata."""


def ended_now(checkpoint: Checkpoint) -> Checkpoint:
    """Return the checkpoint with the record of a call that ends now, unless it has one."""
    if checkpoint.record:
        return checkpoint
    state = checkpoint.state.model_copy(update={"ended_at": checkpoint.state.ended_at or now()})
    over = checkpoint.model_copy(update={"state": state})
    return over.model_copy(update={"record": over.last_record()})


async def hang_up(settings: Settings, record: CallRecord) -> None:
    """Notify watchers of the outcome, then hang up by deleting the call's rooms."""
    with contextlib.suppress(Exception):  # `delete_room` has logged it
        async with livekit_of(settings) as livekit:
            if await _is_anothers(livekit, record):
                return  # a duplicate job that died before it noticed
            await _notify_watchers(livekit, record)
            await delete_room(livekit, record.room)
            await delete_room(livekit, consult_room(record.room))


def settle_request(settings: Settings, record: CallRecord, key: str, *, begun: bool) -> bool:
    """Store the result of a call's request, redacted like its record.

    Returns False if the job has no record of its own: its request was given up meanwhile, and
    recorded, or it is a repetition: another call has the request, and this job reached nobody.
    Raises OSError or sqlite3.Error.
    """
    masked = redacted(record, settings.of_a_call(record.names), settings.state_dir)
    requests = Requests(settings.state_dir)
    if requests.settle(masked.id, masked.outcome, masked.reason, begun=begun) and begun:
        return True
    if not _reached(record) and (other := requests.other_call(key, record.id)):
        log.info(
            "job %s in room %s is no call of its own: its request already has a call, whose "
            "record is the only one: %s",
            record.id,
            record.room,
            other,
        )
        return False
    return requests.note_end(key, masked.room, masked.outcome, masked.reason)


def _reached(record: CallRecord) -> bool:
    """Return whether a job reached somebody: a caller rang, or a callee may have been rung."""
    return record.direction == "inbound" or bool(record.dialled_at or record.answered_at)


def note_results(settings: Settings, record: CallRecord, key: str) -> None:
    """Store a call's results for the API, redacted like its record."""
    if not record.results:
        return
    masked = redacted(record, settings.of_a_call(record.names), settings.state_dir)
    try:
        Requests(settings.state_dir).note_results(key, json.dumps(masked.results))
    except (OSError, sqlite3.Error) as error:
        log.error("the API has no results of call %s: %s", record.id, error)


async def emit_call_ended(settings: Settings, checkpoint: Checkpoint) -> None:
    """Settle the request and the budget, and emit `call_ended`, for a call without a process."""
    record, state = checkpoint.last_record(), checkpoint.state
    ours = True
    if key := state.idempotency_key:
        with contextlib.suppress(OSError, sqlite3.Error):
            if checkpoint.unplaced:  # again: its process may have died before
                requests = Requests(settings.state_dir)
                requests.give_up(key, record.room, record.outcome, record.reason)
            # It may have been dialled, so an idempotency key that was claimed stays used.
            else:
                ours = settle_request(settings, record, key, begun=True)
    with contextlib.suppress(OSError, sqlite3.Error):
        made = record.answered_at is not None or record.dialled_at is not None
        count_out(settings, state, made=made)
    if not ours:
        return
    if key:
        note_results(settings, record, key)
    loaded = registry.load(settings)
    call = restored(settings, checkpoint)
    persona = call.persona if call.persona in loaded.personas else None
    call.take(persona or "", loaded.view(persona))
    call.live_events = events = LiveEvents(call, resumed=True)
    await events.connect()
    await call.events.emit_call_ended(record)
    await events.close()


def count_out(settings: Settings, state: CallState, *, made: bool) -> None:
    """Settle the budgets of all personas that had a call, each with its share.

    A call that was neither answered nor dialled (not `made`) does not count.
    """
    for name in dict.fromkeys(state.names or [""]):
        seconds, limits = state.talked_with(name), settings.persona(name)
        Budget(settings.state_dir).settle(state.share_id(name), seconds, limits, made=made)


def finish_alone(settings: Settings, checkpoint: Checkpoint) -> None:
    """Hang up and emit `call_ended` in a thread; blocks the call's event loop until done.

    Without the parent, LiveKit cancels every task of this loop and closes its connections, so a
    second loop does the work. The main thread waits for it, because an interpreter whose main
    thread has ended starts no work of other threads, such as file and DNS operations.
    """

    async def finish() -> None:
        checkpoints = CheckpointStore(settings.state_dir)
        with contextlib.suppress(OSError):
            checkpoints.put(checkpoint)  # in case this process dies meanwhile
        await hang_up(settings, checkpoint.last_record())
        await emit_call_ended(settings, checkpoint)
        checkpoints.close(checkpoint.state.id)

    finishing = threading.Thread(target=lambda: asyncio.run(finish()), name="finishing a call")
    finishing.start()
    finishing.join()


async def _is_anothers(livekit: api.LiveKitAPI, record: CallRecord) -> bool:
    """Return whether another agent of ours has the call's room."""
    if record.answered_at or record.dialled_at:
        return False
    with contextlib.suppress(Exception):
        request = api.ListParticipantsRequest(room=record.room)
        inside = await asyncio.wait_for(livekit.room.list_participants(request), LOOK_LIMIT)
        jobs = [each.attributes.get(CALL) for each in inside.participants]
        return any(job and job != record.id for job in jobs)
    return False


async def _notify_watchers(livekit: api.LiveKitAPI, record: CallRecord) -> None:
    """Notify `python -m host call` by the room's metadata: the agent's participant is gone."""
    attributes = {"host.outcome": record.outcome.value, "host.reason": record.reason}
    request = api.UpdateRoomMetadataRequest(room=record.room, metadata=json.dumps(attributes))
    with contextlib.suppress(Exception):
        await asyncio.wait_for(livekit.room.update_room_metadata(request), WATCHERS_LIMIT)
