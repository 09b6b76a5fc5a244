"""Places calls for the API and tracks their status."""

from __future__ import annotations

import asyncio
import logging
import secrets
from functools import partial

from host.base.errors import HostError
from host.base.tasks import Tasks
from host.dispatch.idempotency import GivenUp, Requests
from host.dispatch.place import CallResult, follow, place, room_for
from host.records.outcome import Outcome
from host.records.record import Who
from host.registry import Registry
from host.server.api.checking import Checker
from host.server.api.dispatching import Cancelled, Dispatching
from host.server.api.refusals import TooMany
from host.server.api.results import Results, is_live, written
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
NEWS_LIMIT = 30.0
"""Seconds after the start for which results of calls of the last run are awaited."""
NEWS_EVERY = 1.0
"""Seconds between checks for such a result."""
CLOSING_LIMIT = 2.0
"""Seconds to store results of calls that have just ended, when the host stops."""
_NOT_TAKEN = "no host took the call"
_NOT_REPORTED = "the host stopped before it reported how the call ended"


class Placing:
    """The calls of one host's API."""

    def __init__(self, settings: Settings, *, dev: bool = False) -> None:
        self._settings = settings
        self._unplaced = UnplacedCalls(settings, dev=dev)
        self.store = CallStore(settings.state_dir)
        self._results, self._mask = Results(Requests(settings.state_dir)), Masks(settings)
        self._checker, self._tasks = Checker(settings), Tasks()
        self._live: dict[str, AskedCall] = {}
        self._taken: set[str] = set()
        """Live calls that a host has taken, of this run of the host or an earlier one."""
        self._dispatching: dict[str, Dispatching] = {}

    def use(self, settings: Settings, loaded: Registry) -> None:
        """Place further calls with these settings and this registry."""
        self._settings, self._mask = settings, Masks(settings)
        self._checker.use(settings, loaded)

    async def ask(self, wanted: WantedCall) -> AskedCall:
        """Place a call and return at once; a repeated request returns the existing call.

        Raises Different, Unusable, Unready, Blocked or TooMany; nothing is dialled then.
        """
        if wanted.idempotency_key:
            find = partial(self.store.find, wanted.idempotency_key, wanted)
            if known := await asyncio.to_thread(find):
                return self._live.get(known.id, known)
        id = secrets.token_urlsafe(18)
        key = wanted.idempotency_key or f"api-{id}"
        metadata = await self._checker.metadata(wanted, key)
        asked = queued(id, wanted, room_for(wanted.persona, key), self._mask)
        if sum(call.status != "over" for call in self._live.values()) >= MOST:
            raise TooMany
        self._live[id] = asked  # counts before the await, for concurrent requests
        try:
            known = await asyncio.to_thread(self.store.add, key, wanted, asked)
        except BaseException:
            del self._live[id]
            raise
        if known:
            del self._live[id]
            return self._live.get(known.id, known)
        self._dispatching[id] = Dispatching()
        self._tasks.start(self._place(asked, key, metadata), "placing a call of the API")
        return asked

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
    def personas(self) -> list[str]:
        """The names of the loaded personas."""
        return self._checker.personas

    @property
    def live(self) -> dict[str, AskedCall]:
        """The live calls by their ids, as they stand now."""
        return dict(self._live)

    async def cancel(self, id: str, reason: str) -> bool:
        """Cancel a call that no host has taken yet; return whether it was cancelled.

        Otherwise a host has it, or it is over.
        """
        dispatching = self._dispatching.get(id)
        if dispatching is None or id in self._taken:
            return False
        await dispatching.cancel(reason)
        return id not in self._live

    async def resume(self) -> None:
        """Track the unfinished calls of the host's last run."""
        for key, asked, taken in await asyncio.to_thread(self.store.unfinished):
            self._live[asked.id] = asked
            if taken:
                self._taken.add(asked.id)
            self._tasks.start(self._follow(asked, key), "placing a call of the API")

    async def close(self) -> None:
        """Stop tracking. Calls on other hosts continue and are picked up by `resume`."""
        await self._tasks.finish(CLOSING_LIMIT)
        await self._tasks.stop(PARTING + CLOSING_LIMIT)
        await self._checker.close()

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
        by: Who = "host"
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
            placed = CallResult(Outcome.FAILED, Outcome.FAILED.description, asked.room)
            if isinstance(error, HostError):
                placed = CallResult(Outcome.REFUSED, _NOT_TAKEN, asked.room)
            elif isinstance(error, Cancelled):
                by = "operator"
                placed = CallResult(Outcome.CANCELLED, str(error), asked.room, retryable=False)
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
        loop, settings = asyncio.get_running_loop(), self._settings
        longest = settings.longest_call(asked.persona)
        longest += settings.persona(asked.persona).ringing_timeout
        began = loop.time()
        while True:
            placed = None
            try:
                placed = await follow(
                    settings,
                    asked.persona,
                    key,
                    partial(note_status, asked),
                    on_taken=partial(self._on_taken, asked.id),
                )
            except HostError as error:
                log.warning("can't find the call in room %s: %s", asked.room, error)
            patience = 0.0 if placed else NEWS_LIMIT
            request = await asyncio.to_thread(self._results.request, key)
            if is_live(request):  # its process stores the result
                patience = NEWS_LIMIT + longest
            known = written(request, asked.room)
            if known or loop.time() - began >= patience:
                unknown = CallResult(Outcome.FAILED, _NOT_REPORTED, asked.room)
                had = placed or known or asked.id in self._taken
                if had or not await self._give_up(asked, key, unknown):
                    await self._over(asked, key, placed or known or unknown)
                return
            await asyncio.sleep(NEWS_EVERY)  # any process may store the result

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
