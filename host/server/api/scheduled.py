"""Places scheduled calls when they are due.

Each is placed once: its row in the schedule has the idempotency key with which it is placed, and
that key gets no second call, whenever this process is killed.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC
from typing import Protocol

from pydantic import ValidationError

from host.base.clock import now
from host.base.errors import HostError
from host.call.schedule import AlreadyScheduled, Full, Schedule, Scheduled
from host.compliance.window import window_of
from host.dispatch.place import CallResult
from host.records.outcome import Outcome
from host.records.record import Who
from host.server.api.checking import Checker
from host.server.api.details_validator import Unready
from host.server.api.refusals import Blocked, TooMany, Unusable
from host.server.api.results import Results
from host.server.api.schemas import AskedCall, Fault, WantedCall
from host.server.api.store import CallStore, Different

log = logging.getLogger("host")

EVERY = 1.0
"""Seconds between looks at the schedule."""


class Places(Protocol):
    """What places calls, and ends those that are not placed: `Placing`."""

    def queued(self, id: str, key: str, wanted: WantedCall) -> AskedCall: ...
    async def place_scheduled(self, asked: AskedCall, key: str, wanted: WantedCall) -> None: ...
    async def end_unplaced(
        self, asked: AskedCall, key: str, wanted: WantedCall, placed: CallResult, by: Who
    ) -> None: ...


class ScheduledCalls:
    """The scheduled calls of one host: those of its API, of commands, and of tools."""

    def __init__(
        self, schedule: Schedule, store: CallStore, checker: Checker, places: Places
    ) -> None:
        self._schedule, self._store = schedule, store
        self._checker, self._places = checker, places
        self._one_at_a_time = asyncio.Lock()

    async def add(self, id: str, key: str, wanted: WantedCall) -> AskedCall:
        """Schedule a call. Raises what `Placing.ask` raises; nothing is stored then."""
        try:
            window = window_of(wanted.not_before, wanted.not_after, now())
        except HostError as error:
            field = str(error).partition(" ")[0]
            fault = Fault(loc=["body", field], msg=str(error), type="value_error")
            raise Unusable(fault) from None
        due = await self._checker.due(wanted, key, window)
        call = Scheduled(id, key, due, window.end, wanted.model_dump_json())
        async with self._one_at_a_time:
            try:
                await asyncio.to_thread(self._schedule.add, call)
            except Full:
                raise TooMany from None
            except AlreadyScheduled:  # by a command, or by the same request a moment ago
                known = await asyncio.to_thread(self._store.find, key, wanted)
                if known is None:
                    raise Different from None
                return known
            return await asyncio.to_thread(self._asked, call, wanted)

    async def cancel(self, id: str, reason: str) -> bool:
        """Cancel a call that is not due yet; False if there is none, or it is being placed."""
        if not await asyncio.to_thread(self._schedule.cancel, id, reason):
            return False
        if call := await asyncio.to_thread(self._schedule.find, id):
            async with self._one_at_a_time:
                await self._place(call)
        return True

    async def resume(self, id: str, key: str, results: Results) -> bool:
        """Return whether a call that no host has taken waits, or is to be placed once more."""
        call = await asyncio.to_thread(self._schedule.find, id)
        if call is None:
            return False
        if call.placed and await asyncio.to_thread(results.request, key) is not None:
            return False
        if call.placed:
            await asyncio.to_thread(self._schedule.begin_again, id)
        return True

    async def run(self, closed: Callable[[], str | None]) -> None:
        """Place what is due, until cancelled. `closed` tells why the host takes no calls."""
        failed = False
        while True:
            try:
                await self.look(closed)
                failed = False
            except (OSError, sqlite3.Error) as error:
                if not failed:
                    log.error("can't read or write the scheduled calls: %s", error)
                failed = True
            await asyncio.sleep(EVERY)

    async def look(self, closed: Callable[[], str | None] = lambda: None) -> None:
        """Place what is due now. Raises OSError or sqlite3.Error."""
        for call in await asyncio.to_thread(self._schedule.due, now()):
            async with self._one_at_a_time:
                if not closed() or call.cancelled or call.until <= now():
                    await self._place(call)
        await asyncio.to_thread(self._take_in)

    async def _place(self, call: Scheduled) -> None:
        """Place a call that is due, postpone it, or end it."""
        try:
            wanted = WantedCall.model_validate_json(call.request)
            asked = await asyncio.to_thread(self._asked, call, wanted)
        except (ValidationError, Different):
            log.error("the scheduled call %s is dropped: its request does not fit", call.id)
            await asyncio.to_thread(self._schedule.drop, call.id)
            return
        if asked.status == "over":
            return
        room = asked.room
        try:
            if call.cancelled:
                end = CallResult(Outcome.CANCELLED, call.cancelled, room, retryable=False)
            elif call.until <= now():
                until = call.until.isoformat(timespec="seconds")
                end = CallResult(Outcome.REFUSED, f"no host could place it before {until}", room)
            else:
                await self._places.place_scheduled(asked, call.key, wanted)
                return
        except (TooMany, Unready):
            return  # at the next look
        except Blocked as error:
            if error.passes and error.retry_at and error.retry_at < call.until:
                due = error.retry_at.astimezone(UTC)
                await asyncio.to_thread(self._schedule.postpone, call.id, due)
                return
            end = CallResult(Outcome.BLOCKED, error.reason, room, retryable=error.passes)
        except Unusable as error:
            reason = f"the metadata is invalid: {error.faults[0].msg}"
            end = CallResult(Outcome.REFUSED, reason, room, retryable=False)
        by: Who = "operator" if call.cancelled else "host"
        await self._places.end_unplaced(asked, call.key, wanted, end, by)

    def _take_in(self) -> None:
        """Have the calls that commands and tools have scheduled among those of the API."""
        for call in self._schedule.not_asked():
            try:
                self._asked(call, WantedCall.model_validate_json(call.request))
            except (ValidationError, Different):
                log.error("can't take in the scheduled call %s", call.id)

    def _asked(self, call: Scheduled, wanted: WantedCall) -> AskedCall:
        """Return a call as the API has it; it is among its calls from now on."""
        if found := self._store.read(call.id):
            known = found[1]
        else:
            asked = self._places.queued(call.id, call.key, wanted)
            asked.status, asked.due_at = "scheduled", call.due
            asked.not_before, asked.not_after = wanted.not_before, call.until
            known = self._store.add(call.key, wanted, asked) or asked
        return known.model_copy(update={"due_at": call.due})
