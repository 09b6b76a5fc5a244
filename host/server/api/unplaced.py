"""The record of a call that was accepted and that no process ever had."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from dataclasses import asdict

from host.base.clock import now
from host.base.processes import this_process
from host.call.dispatch import read_dispatch
from host.call.state import CallState
from host.dispatch.idempotency import GivenUp, Requests
from host.dispatch.place import CallResult
from host.records.ending import Ending
from host.records.record import Who
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.server.api.schemas import AskedCall
from host.server.emitting import emit_call_ended
from host.settings import Settings

log = logging.getLogger("host")

AT_ONCE = 2
"""Processes at a time that emit `call_ended`: each takes a second of a processor."""


class UnplacedCalls:
    """Gives up requests that no call has, and records them: an accepted call has one record."""

    def __init__(self, settings: Settings, *, dev: bool) -> None:
        self._dev = dev
        self._checkpoints = CheckpointStore(settings.state_dir)
        self._requests = Requests(settings.state_dir)
        self._emitting = asyncio.Semaphore(AT_ONCE)

    def give_up(
        self,
        asked: AskedCall,
        key: str,
        placed: CallResult,
        metadata: str = "",
        *,
        by: Who = "host",
    ) -> tuple[GivenUp, Checkpoint]:
        """Give a request up, so that no late dispatch of it dials.

        Also returns what is to be recorded then. It is written first: if this process dies, the
        next start of the host emits it.
        """
        checkpoint = self._checkpoint(asked, key, placed, metadata, by)
        try:
            self._checkpoints.put(checkpoint, sync=True)
        except OSError as error:
            log.error("can't write the checkpoint of a call that was not placed: %s", error)
        gave_up = GivenUp.NO
        try:
            gave_up = self._requests.give_up(key, asked.room, placed.outcome, placed.reason)
        except (OSError, sqlite3.Error) as error:
            log.error("can't give up a request of the API: %s", error)
        if gave_up is not GivenUp.NOW:
            self._checkpoints.close(asked.id)
        return gave_up, checkpoint

    async def record(self, checkpoint: Checkpoint, settings: Settings) -> None:
        """Emit the call's end, with its record, to plugins and its persona."""
        async with self._emitting:
            await emit_call_ended(settings, checkpoint, dev=self._dev)

    def _checkpoint(
        self, asked: AskedCall, key: str, placed: CallResult, metadata: str, by: Who
    ) -> Checkpoint:
        """Build the checkpoint of a call that ended before it began; it belongs to this process."""
        state = CallState(
            id=asked.id,
            room=asked.room,
            persona=asked.persona,
            outbound=True,
            metadata={"idempotency_key": key, "reference": asked.reference},
            dispatched_at=asked.asked_at,
            ended_at=now(),
        )
        if metadata:
            dispatch = read_dispatch(metadata, asked.room)
            state.metadata, state.number = dict(dispatch.metadata), dispatch.phone_number
        ending = Ending(placed.outcome, by, placed.reason, retryable=placed.retryable)
        record = state.record(ending)
        return Checkpoint(**asdict(this_process()), state=state, record=record, unplaced=True)
