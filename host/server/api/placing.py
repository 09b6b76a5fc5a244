"""Places calls for the API and tracks their status."""

from __future__ import annotations

import asyncio
import logging
import secrets
from functools import partial

from host.base.errors import HostError
from host.base.tasks import Tasks
from host.call.schedule import Schedule
from host.dispatch.idempotency import GivenUp, Requests
from host.dispatch.place import CallResult, place, room_for
from host.records.outcome import Outcome
from host.records.record import Who
from host.registry import Registry
from host.server.api.checking import Checker, encoded
from host.server.api.dispatching import Cancelled, Dispatching, result_of
from host.server.api.following import followed
from host.server.api.refusals import TooMany
from host.server.api.results import Results, is_live
from host.server.api.scheduled import ScheduledCalls
from host.server.api.schemas import AskedCall, WantedCall
from host.server.api.status import ended, note_status, queued
from host.server.api.store import CallStore
from host.server.api.unplaced import UnplacedCalls
from host.server.emitting import PARTING
from host.server.live_calls import Masks
from host.settings import Settings

log = logging.getLogger("host")

MOST = 100
"""Maximum number of live calls."""
CLOSING_LIMIT = 2.0
"""Seconds to store results of calls that have just ended, when the host stops."""
_NOT_REPORTED = "the host stopped before it reported how the call ended"


class Placing:
    """The calls of one host's API."""

    def __init__(self, settings: Settings, *, dev: bool = False) -> None:
        self._settings = settings
        self._unplaced = UnplacedCalls(settings, dev=dev)
        self.store, self.schedule = CallStore(settings.state_dir), Schedule(settings.state_dir)
        self._results, self._mask = Results(Requests(settings.state_dir)), Masks(settings)
        self.checker, self._tasks = Checker(settings), Tasks()
        self._live: dict[str, AskedCall] = {}
        self._taken: set[str] = set()
        """Live calls that a host has taken, of this run of the host or an earlier one."""
        self._dispatching: dict[str, Dispatching] = {}
        self.scheduled = ScheduledCalls(self.schedule, self.store, self.checker, self)

    def use(self, settings: Settings, loaded: Registry) -> None:
        """Place further calls with these settings and this registry."""
        self._settings, self._mask = settings, Masks(settings)
        self.checker.use(settings, loaded)

    async def ask(self, wanted: WantedCall) -> AskedCall:
        """Place a call and return at once; a repeated request returns the existing call.

        Raises Different, Unusable, Unready, Blocked or TooMany; nothing is dialled then.
        """
        if wanted.idempotency_key:
            find = partial(self.store.find, wanted.idempotency_key, wanted)
            if known := await asyncio.to_thread(find):
                return self._live.get(known.id, known)
        id = secrets.token_hex(18)  # one that begins with a dash would be an option of `hangup`
        key = wanted.idempotency_key or f"api-{id}"
        if wanted.is_scheduled:
            return await self.scheduled.add(id, key, wanted)
        metadata = await self.checker.metadata(wanted, key)
        asked = self.queued(id, key, wanted)
        self._require_room()
        self._live[id] = asked  # counts before the await, for concurrent requests
        try:
            known = await asyncio.to_thread(self.store.add, key, wanted, asked)
        except BaseException:
            del self._live[id]
            raise
        if known:
            del self._live[id]
            return self._live.get(known.id, known)
        self._start(asked, key, metadata)
        return asked

    def queued(self, id: str, key: str, wanted: WantedCall) -> AskedCall:
        """Return a call that is asked for now."""
        return queued(id, wanted, room_for(wanted.persona, key), self._mask)

    async def place_scheduled(self, asked: AskedCall, key: str, wanted: WantedCall) -> None:
        """Place a scheduled call that is due. Raises what `ask` raises; nothing is dialled then."""
        self._require_room()
        metadata = await self.checker.metadata(wanted, key)
        if await asyncio.to_thread(self.schedule.begin, asked.id):
            asked.status = "queued"
            self._live[asked.id] = asked
            self._start(asked, key, metadata)

    async def end_unplaced(
        self, asked: AskedCall, key: str, wanted: WantedCall, placed: CallResult, by: Who
    ) -> None:
        """End and record a scheduled call that is not placed; follow it if a call has its key."""
        self._live[asked.id] = asked
        if not await self._give_up(asked, key, placed, encoded(wanted, key), by):
            self._tasks.start(self._follow(asked, key), "placing a call of the API")

    def _require_room(self) -> None:
        if sum(call.status != "over" for call in self._live.values()) >= MOST:
            raise TooMany

    def _start(self, asked: AskedCall, key: str, metadata: str) -> None:
        self._dispatching[asked.id] = Dispatching()
        self._tasks.start(self._place(asked, key, metadata), "placing a call of the API")

    async def read(self, id: str) -> AskedCall | None:
        """Return a call's status or outcome; None if the id is unknown."""
        return self._live.get(id) or await asyncio.to_thread(self._stored, id)

    def _stored(self, id: str) -> AskedCall | None:
        """Return a stored call, as its record has it: that may have come later."""
        if (found := self.store.read(id)) is None:
            return None
        key, asked = found
        if asked.status != "over":
            return asked
        over = self._results.as_written(asked, key)
        if over is not asked:
            self.store.end(over)
        return over

    @property
    def live(self) -> dict[str, AskedCall]:
        """The live calls by their ids, as they stand now."""
        return dict(self._live)

    async def cancel(self, id: str, reason: str) -> bool:
        """Cancel a call that no host has taken yet; return whether it was cancelled.

        Otherwise a host has it, or it is over.
        """
        if await self.scheduled.cancel(id, reason):
            return True
        dispatching = self._dispatching.get(id)
        if dispatching is None or id in self._taken:
            return False
        await dispatching.cancel(reason)
        return id not in self._live

    async def resume(self) -> None:
        """Track the unfinished calls of the host's last run."""
        for key, asked, taken in await asyncio.to_thread(self.store.unfinished):
            if not taken and await self.scheduled.resume(asked.id, key, self._results):
                continue
            self._live[asked.id] = asked
            if taken:
                self._taken.add(asked.id)
            self._tasks.start(self._follow(asked, key), "placing a call of the API")

    async def close(self) -> None:
        """Stop tracking. Calls on other hosts continue and are picked up by `resume`."""
        await self._tasks.finish(CLOSING_LIMIT)
        await self._tasks.stop(PARTING + CLOSING_LIMIT)
        await self.checker.close()

    async def _place(self, asked: AskedCall, key: str, metadata: str) -> None:
        dispatching = self._dispatching[asked.id]
        try:
            await self._dispatch(asked, key, metadata, dispatching)
        finally:
            dispatching.settled.set()
            del self._dispatching[asked.id]

    async def _dispatch(
        self, asked: AskedCall, key: str, metadata: str, dispatching: Dispatching
    ) -> None:
        try:
            placing = place(
                self._settings,
                metadata,
                partial(note_status, asked),
                on_taken=partial(self._on_taken, asked.id),
                lasting=True,
            )
            placed = await dispatching.result(placing)
            if is_live(await asyncio.to_thread(self._results.request, key)):
                await self._follow(asked, key)  # LiveKit was lost, and the call goes on
                return
        except Exception as error:
            placed, by = result_of(error, asked.room)
            taken = isinstance(error, Cancelled) and asked.id in self._taken
            if taken or not await self._give_up(asked, key, placed, metadata, by):
                dispatching.settled.set()
                await self._follow(asked, key)  # a host took an earlier dispatch of it
                return
            if isinstance(error, HostError):
                log.error("the call in room %s was not placed: %s", asked.room, error)
            elif not isinstance(error, Cancelled):
                log.exception("the call in room %s was not placed", asked.room)
            return
        await self._over(asked, key, placed)

    async def _give_up(
        self, asked: AskedCall, key: str, placed: CallResult, metadata: str = "", by: Who = "host"
    ) -> bool:
        """End and record a call that no process has; return False if one has it."""
        give_up = partial(self._unplaced.give_up, asked, key, placed, metadata, by=by)
        gave_up, checkpoint = await asyncio.to_thread(give_up)
        if gave_up is GivenUp.NO:
            return False
        await self._over(asked, key, placed)
        if gave_up is GivenUp.NOW:
            await self._unplaced.record(checkpoint, self._settings)
        return True

    def _on_taken(self, id: str) -> None:
        """Store that a host has taken a call, so that no later run records it as well."""
        self._settle(id)
        if id not in self._taken:
            self._taken.add(id)
            mark = asyncio.to_thread(self.store.mark_taken, id)
            self._tasks.start(mark, "storing that a host took a call of the API")

    async def _follow(self, asked: AskedCall, key: str) -> None:
        """Watch an earlier call, or read the result that its process stored."""
        taken = partial(self._on_taken, asked.id)
        known = await followed(self._settings, asked, key, self._results, taken)
        unknown = CallResult(Outcome.FAILED, _NOT_REPORTED, asked.room)
        if known or asked.id in self._taken or not await self._give_up(asked, key, unknown):
            await self._over(asked, key, known or unknown)

    async def _over(self, asked: AskedCall, key: str, placed: CallResult) -> None:
        over = await asyncio.to_thread(self._results.as_written, ended(asked, placed), key)
        try:
            await asyncio.to_thread(self.store.end, over)
        except Exception:
            self._live[asked.id] = over
            raise
        del self._live[asked.id]  # not before: only the store has the results
        self._taken.discard(asked.id)
        self._settle(asked.id)

    def _settle(self, id: str) -> None:
        """Tell whoever wants to cancel a call that it is taken or over."""
        if dispatching := self._dispatching.get(id):
            dispatching.settled.set()
