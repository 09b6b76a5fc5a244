"""Places calls for the API and tracks their status."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import sqlite3
from functools import partial

from host import registry
from host.base.errors import HostError, MetadataError
from host.base.tasks import Tasks
from host.call.keypad import read_presses
from host.compliance import Gate
from host.dispatch.idempotency import GivenUp, Request, Requests
from host.dispatch.place import CallResult, encode_metadata, follow, place, room_for
from host.records.outcome import Outcome
from host.server.api.details_validator import DetailsValidator
from host.server.api.refusals import Blocked, TooMany, Unusable
from host.server.api.schemas import AskedCall, Fault, WantedCall
from host.server.api.status import ended, note_status, queued
from host.server.api.store import CallStore
from host.server.api.unplaced import UnplacedCalls
from host.server.emitting import PARTING
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
        self._store, self._requests = CallStore(settings.state_dir), Requests(settings.state_dir)
        self._validator, self._tasks = DetailsValidator(settings), Tasks()
        self._live: dict[str, AskedCall] = {}
        self._taken: set[str] = set()
        """Live calls that a host has taken, of this run of the host or an earlier one."""
        self.personas = sorted(registry.load(settings).require().personas)

    async def ask(self, wanted: WantedCall) -> AskedCall:
        """Place a call and return at once; a repeated request returns the existing call.

        Raises Different, Unusable, Unready, Blocked or TooMany; nothing is dialled then.
        """
        if wanted.idempotency_key:
            find = partial(self._store.find, wanted.idempotency_key, wanted)
            if known := await asyncio.to_thread(find):
                return self._live.get(known.id, known)
        id = secrets.token_urlsafe(18)
        key = wanted.idempotency_key or f"api-{id}"
        metadata = await self._checked(wanted, key)
        asked = queued(id, wanted, room_for(wanted.persona, key), self._settings)
        if sum(call.status != "over" for call in self._live.values()) >= MOST:
            raise TooMany
        self._live[id] = asked  # counts before the await, for concurrent requests
        try:
            known = await asyncio.to_thread(self._store.add, key, wanted, asked)
        except BaseException:
            del self._live[id]
            raise
        if known:
            del self._live[id]
            return self._live.get(known.id, known)
        self._tasks.start(self._place(asked, key, metadata), "placing a call of the API")
        return asked

    async def read(self, id: str) -> AskedCall | None:
        """Return a call's status or outcome; None if the id is unknown."""
        return self._live.get(id) or await asyncio.to_thread(self._stored, id)

    def _stored(self, id: str) -> AskedCall | None:
        """Return a stored call, as its record has it: that may have come later."""
        if (found := self._store.read(id)) is None:
            return None
        key, asked = found
        if asked.status != "over":
            return asked
        over = self._as_written(asked, key)
        if over is not asked:
            self._store.end(over)
        return over

    async def resume(self) -> None:
        """Track the unfinished calls of the host's last run."""
        for key, asked, taken in await asyncio.to_thread(self._store.unfinished):
            self._live[asked.id] = asked
            if taken:
                self._taken.add(asked.id)
            self._tasks.start(self._follow(asked, key), "placing a call of the API")

    async def close(self) -> None:
        """Stop tracking. Calls on other hosts continue and are picked up by `resume`."""
        await self._tasks.finish(CLOSING_LIMIT)
        await self._tasks.stop(PARTING + CLOSING_LIMIT)
        await self._validator.close()

    async def _checked(self, wanted: WantedCall, key: str) -> str:
        """Build a call's metadata. Raises Unusable, Unready or Blocked."""
        if wanted.persona not in self.personas:
            known = ", ".join(self.personas)
            text = f"there is no persona {wanted.persona!r} (there are: {known})"
            raise Unusable(Fault(loc=["body", "persona"], msg=text, type="persona_unknown"))
        try:
            metadata = encode_metadata(
                wanted.persona,
                wanted.number,
                wanted.details,
                key,
                wanted.reference,
                wanted.dtmf,
            )
        except MetadataError as error:
            field = "dtmf" if str(error).startswith("dtmf ") else "details"
            fault = Fault(loc=["body", field], msg=str(error), type="value_error")
            raise Unusable(fault) from error
        await asyncio.to_thread(self._pass_gate, wanted)
        if faults := await self._validator.faults(metadata):
            raise Unusable(*faults)
        return metadata

    def _pass_gate(self, wanted: WantedCall) -> None:
        """Check the gate; the call itself checks it again. Raises Blocked."""
        gate = Gate(self._settings, self._settings.persona(wanted.persona), wanted.persona)
        verdict = gate.dial(wanted.number, attempt=False)
        if verdict.allowed and wanted.dtmf:
            verdict = gate.refuse_keys(wanted.number, read_presses(wanted.dtmf)) or verdict
        if not verdict.allowed:
            log.warning("refused a call of %s: %s", wanted.persona, verdict)
            raise Blocked(verdict.rule, verdict.reason)

    async def _place(self, asked: AskedCall, key: str, metadata: str) -> None:
        try:
            placed = await place(
                self._settings,
                metadata,
                partial(note_status, asked),
                on_taken=partial(self._on_taken, asked.id),
                lasting=True,
            )
            if _is_live(await asyncio.to_thread(self._request, key)):
                await self._follow(asked, key)  # LiveKit was lost, and the call goes on
                return
        except Exception as error:
            placed = CallResult(Outcome.FAILED, Outcome.FAILED.description, asked.room)
            if isinstance(error, HostError):
                placed = CallResult(Outcome.REFUSED, _NOT_TAKEN, asked.room)
            if not await self._give_up(asked, key, placed, metadata):
                await self._follow(asked, key)  # a host took an earlier dispatch of it
                return
            if isinstance(error, HostError):
                log.error("the call in room %s was not placed: %s", asked.room, error)
            else:
                log.exception("the call in room %s was not placed", asked.room)
            return
        await self._over(asked, key, placed)

    async def _give_up(
        self, asked: AskedCall, key: str, placed: CallResult, metadata: str = ""
    ) -> bool:
        """End and record a call that no process has; return False if one has it."""
        give_up = partial(self._unplaced.give_up, asked, key, placed, metadata)
        gave_up, checkpoint = await asyncio.to_thread(give_up)
        if gave_up is GivenUp.NO:
            return False
        await self._over(asked, key, placed)
        if gave_up is GivenUp.NOW:
            await self._unplaced.record(checkpoint)
        return True

    def _on_taken(self, id: str) -> None:
        """Store that a host has taken a call, so that no later run records it as well."""
        if id not in self._taken:
            self._taken.add(id)
            mark = asyncio.to_thread(self._store.mark_taken, id)
            self._tasks.start(mark, "storing that a host took a call of the API")

    async def _follow(self, asked: AskedCall, key: str) -> None:
        """Watch an earlier call, or read the result that its process stored."""
        loop, limits = asyncio.get_running_loop(), self._settings.persona(asked.persona)
        began = loop.time()
        while True:
            placed = None
            try:
                placed = await follow(
                    self._settings,
                    asked.persona,
                    key,
                    partial(note_status, asked),
                    on_taken=partial(self._on_taken, asked.id),
                )
            except HostError as error:
                log.warning("can't find the call in room %s: %s", asked.room, error)
            patience = 0.0 if placed else NEWS_LIMIT
            request = await asyncio.to_thread(self._request, key)
            if _is_live(request):  # its process stores the result
                patience = NEWS_LIMIT + (limits.max_duration or 0) + (limits.ringing_timeout or 0)
            written = _written(request, asked.room)
            if written or loop.time() - began >= patience:
                unknown = CallResult(Outcome.FAILED, _NOT_REPORTED, asked.room)
                had = placed or written or asked.id in self._taken
                if had or not await self._give_up(asked, key, unknown):
                    await self._over(asked, key, placed or written or unknown)
                return
            await asyncio.sleep(NEWS_EVERY)  # any process may store the result

    def _request(self, key: str) -> Request | None:
        """Return the request, as its call has stored it; None if that can't be read either."""
        with contextlib.suppress(OSError, sqlite3.Error):  # LiveKit may know the result
            return self._requests.find(key)
        return None

    def _as_written(self, over: AskedCall, key: str) -> AskedCall:
        """Return a call that is over as its own process wrote it, if that differs."""
        written = _written(self._request(key), over.room)
        return ended(over, written) if written and written.outcome is not over.outcome else over

    async def _over(self, asked: AskedCall, key: str, placed: CallResult) -> None:
        over = await asyncio.to_thread(self._as_written, ended(asked, placed), key)
        self._live[asked.id] = over
        await asyncio.to_thread(self._store.end, over)
        del self._live[asked.id]
        self._taken.discard(asked.id)


def _is_live(request: Request | None) -> bool:
    """Return whether a call of this host has the request and has not ended."""
    return request is not None and request.outcome is None


def _written(request: Request | None, room: str) -> CallResult | None:
    """Return the stored result of a call; None if there is none."""
    if request is None or request.outcome is None:
        return None
    outcome = Outcome(request.outcome)
    return CallResult(outcome, request.reason or "", room, retryable=outcome.retryable())
