"""Places the calls that the API is asked for, and knows how each of them stands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import sqlite3
from functools import partial

from host import registry
from host.base.clock import now
from host.base.errors import HostError, MetadataError
from host.base.tasks import Tasks
from host.call.state import CallStatus
from host.compliance import Gate, Rule
from host.dispatch.idempotency import Requests
from host.dispatch.place import CallResult, encode_metadata, follow, place, room_for
from host.records.outcome import Outcome
from host.server.api.details_validator import DetailsValidator
from host.server.api.schemas import AskedCall, Fault, Status, WantedCall
from host.server.api.store import CallStore
from host.settings import Settings

log = logging.getLogger("host")

MOST = 100
"""Calls that are under way at once."""
NEWS_LIMIT = 30.0
"""Seconds after a start of the host in which calls of its last run have told how they went."""
NEWS_EVERY = 1.0
"""Seconds between two looks for that."""
CLOSING_LIMIT = 2.0
"""Seconds in which calls that are just over may still be written down, when the host stops."""
_STANDS: dict[str, Status] = {
    CallStatus.DIALING: "dialing",
    CallStatus.RINGING: "ringing",
    CallStatus.AUTOMATION: "active",
    CallStatus.ACTIVE: "active",
}
"""LiveKit's `sip.callStatus` -> how a call stands."""
_NOBODY = "no host took the call"
_UNTOLD = "the host stopped before it reported how the call ended"
_KEPT_BACK: dict[Rule | None, str] = {
    Rule.DO_NOT_CALL: "the do-not-call list does not allow the number",
    Rule.ATTEMPTS: "the number has reached its daily limit of attempts",
    Rule.BUDGET: "the persona has reached its daily limit of calls or minutes",
}
"""What is told where the reason may name a file of the host."""


class Unusable(Exception):
    """The call can't be placed as it was asked for."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = list(faults)


class Blocked(Exception):
    """The number must not be called."""

    def __init__(self, rule: Rule | None, reason: str) -> None:
        super().__init__(reason)
        self.rule, self.reason = rule, _KEPT_BACK.get(rule, reason)


class TooMany(Exception):
    """As many calls as there may be are under way."""


class Placing:
    """The calls of one host's API."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._book, self._requests = CallStore(settings.state_dir), Requests(settings.state_dir)
        self._checks, self._tasks = DetailsValidator(settings), Tasks()
        self._live: dict[str, AskedCall] = {}
        self.personas = sorted(registry.load(settings).require().personas)

    async def ask(self, wanted: WantedCall) -> AskedCall:
        """Place a call, and say how it stands at once; a repeated request gets the call it has.

        Raises Different, Unusable, Unready, Blocked or TooMany, and nothing is dialled.
        """
        if wanted.idempotency_key:
            find = partial(self._book.find, wanted.idempotency_key, wanted)
            if known := await asyncio.to_thread(find):
                return self._live.get(known.id, known)
        id = secrets.token_urlsafe(18)
        key = wanted.idempotency_key or f"api-{id}"
        metadata = await self._checked(wanted, key)
        asked = AskedCall(
            id=id, persona=wanted.persona, room=room_for(wanted.persona, key), asked_at=now()
        )
        if sum(call.status != "over" for call in self._live.values()) >= MOST:
            raise TooMany
        self._live[id] = asked  # it counts from here on, while others are asked for
        try:
            known = await asyncio.to_thread(self._book.add, key, wanted, asked)
        except BaseException:
            del self._live[id]
            raise
        if known:
            del self._live[id]
            return self._live.get(known.id, known)
        self._tasks.start(self._place(asked, metadata), "placing a call of the API")
        return asked

    async def read(self, id: str) -> AskedCall | None:
        """Say how a call stands, or went; None where nobody asked for it."""
        return self._live.get(id) or await asyncio.to_thread(self._book.read, id)

    async def resume(self) -> None:
        """Find out what became of the calls that the last run of the host was asked for."""
        for key, asked in await asyncio.to_thread(self._book.unfinished):
            self._live[asked.id] = asked
            self._tasks.start(self._follow(asked, key), "placing a call of the API")

    async def close(self) -> None:
        """Stop watching: calls that other hosts have go on, and are found again by `resume`."""
        await self._tasks.finish(CLOSING_LIMIT)
        await self._tasks.stop(CLOSING_LIMIT)
        await self._checks.close()

    async def _checked(self, wanted: WantedCall, key: str) -> str:
        """Make a call's metadata. Raises Unusable, Unready or Blocked."""
        if wanted.persona not in self.personas:
            known = ", ".join(self.personas)
            text = f"there is no persona {wanted.persona!r} (there are: {known})"
            raise Unusable(Fault(loc=["body", "persona"], msg=text, type="persona_unknown"))
        try:
            metadata = encode_metadata(wanted.persona, wanted.number, wanted.details, key)
        except MetadataError as error:
            raise Unusable(
                Fault(loc=["body", "details"], msg=str(error), type="value_error")
            ) from error
        await asyncio.to_thread(self._pass_gate, wanted)
        if faults := await self._checks.faults(metadata):
            raise Unusable(*faults)
        return metadata

    def _pass_gate(self, wanted: WantedCall) -> None:
        """Ask the gate, which the call itself passes again. Raises Blocked."""
        gate = Gate(self._settings, self._settings.persona(wanted.persona), wanted.persona)
        verdict = gate.dial(wanted.number, attempt=False)
        if not verdict.allowed:
            log.warning("refused a call of %s: %s", wanted.persona, verdict)
            raise Blocked(verdict.rule, verdict.reason)

    async def _place(self, asked: AskedCall, metadata: str) -> None:
        try:
            told = partial(note_status, asked)
            placed = await place(self._settings, metadata, told, lasting=True)
        except HostError as error:
            log.error("the call in room %s was not placed: %s", asked.room, error)
            placed = CallResult(Outcome.REFUSED, _NOBODY, asked.room)
        except Exception:
            log.exception("the call in room %s was not placed", asked.room)
            placed = CallResult(Outcome.FAILED, Outcome.FAILED.description, asked.room)
        await self._over(asked, placed)

    async def _follow(self, asked: AskedCall, key: str) -> None:
        """Watch a call again, or find what its host wrote down of it."""
        until = asyncio.get_running_loop().time() + NEWS_LIMIT
        while True:
            placed = None
            try:
                placed = await follow(
                    self._settings, asked.persona, key, partial(note_status, asked)
                )
            except HostError as error:
                log.warning("can't find the call in room %s: %s", asked.room, error)
            placed = await asyncio.to_thread(self._written_down, asked, key) or placed
            if not placed and asyncio.get_running_loop().time() > until:
                placed = CallResult(Outcome.FAILED, _UNTOLD, asked.room)
            if placed:
                return await self._over(asked, placed)
            await asyncio.sleep(NEWS_EVERY)  # the last run's calls may be told of by any process

    def _written_down(self, asked: AskedCall, key: str) -> CallResult | None:
        """Say how a call went, as its own process or who looked after it wrote it down."""
        with contextlib.suppress(OSError, sqlite3.Error):  # LiveKit may know more
            if went := self._requests.went(key):
                outcome = Outcome(went[0])
                return CallResult(outcome, went[1], asked.room, retryable=outcome.retryable())
        return None

    async def _over(self, asked: AskedCall, placed: CallResult) -> None:
        ended = asked.model_copy(
            update={
                "status": "over",
                "outcome": placed.outcome,
                "reason": placed.reason,
                "sip_status": placed.sip_status,
                "retryable": placed.retryable,
                "ended_at": now(),
            }
        )
        self._live[asked.id] = ended
        await asyncio.to_thread(self._book.end, ended)
        del self._live[asked.id]


def note_status(asked: AskedCall, status: str) -> None:
    """Note LiveKit's `sip.callStatus`, and when it was first so.

    A status that was over before anybody looked was there at this moment at the latest. A call may
    be answered without ever having rung.
    """
    stands = _STANDS.get(status)
    if stands is None:
        return
    asked.status = stands
    at = now()
    asked.dialing_at = asked.dialing_at or at
    if stands == "ringing":
        asked.ringing_at = asked.ringing_at or at
    if stands == "active":
        asked.answered_at = asked.answered_at or at
