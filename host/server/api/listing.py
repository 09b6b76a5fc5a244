"""Lists calls in pages, and finds single ones: those of the API and all others of this host.

Calls are in the order in which they were asked for or dispatched. That never changes, whatever
becomes of a call, so a page begins where the one before it has ended: see `CallLister.page`.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from host.base.clock import now
from host.privacy import Pseudonyms
from host.records import recent
from host.records.filters import Wanted
from host.records.recent import Head, Key
from host.records.record import CallRecord
from host.server.api.cursor import write_cursor
from host.server.api.filters import PageWanted
from host.server.api.schemas import AskedCall, CallPage, KnownCall
from host.server.api.store import KEPT, CallStore
from host.server.live_calls import LiveCalls, LiveFacts, Masks
from host.settings import Settings

_JOB = re.compile(r"AJ_[A-Za-z0-9_-]{1,60}")
"""LiveKit's job ids. No other id is looked for in the files of calls."""


class FoundJob(NamedTuple):
    """A call of this host that was found by its job id."""

    call: KnownCall
    room: str
    """The room's name as LiveKit knows it; empty if the call is over."""


class CallLister:
    """The calls of one host. Its methods read files: not for the event loop."""

    def __init__(
        self, settings: Settings, store: CallStore, watched: Callable[[str], bool] | None = None
    ) -> None:
        """`watched`: whether this process looks after the call with an id; see `LiveCalls`."""
        self._settings, self._store = settings, store
        self._live, self._mask = LiveCalls(settings, watched), Masks(settings)
        self._names = Pseudonyms(settings.state_dir)

    def use(self, settings: Settings) -> None:
        """List calls as these settings say."""
        self._settings, self._mask = settings, Masks(settings)
        self._live.use(settings)

    def page(self, wanted: PageWanted, asked: Mapping[str, AskedCall]) -> CallPage:
        """Return a page of calls; `asked` are the API's live ones, as they stand now.

        A call that ends meanwhile is on the same page, live or over: the live ones are read first,
        and those that have ended then. Raises OSError or sqlite3.Error.
        """
        filters = self._filters(wanted)
        merged = heapq.merge(
            self._of_api(wanted, filters, asked),
            self._others(wanted, filters),
            key=_key,
            reverse=True,
        )
        found = list(islice(merged, wanted.limit + 1))
        more = len(found) > wanted.limit
        calls = found[: wanted.limit]
        return CallPage(calls=calls, next_cursor=write_cursor(_key(calls[-1])) if more else None)

    def find(self, id: str) -> FoundJob | None:
        """Return a call by its job id; None if it is unknown. Raises OSError."""
        if not _JOB.fullmatch(id):
            return None
        unfinished = self._live.read()
        for live in unfinished.live:
            if live.id == id:
                return FoundJob(_of_live(live), live.livekit_room)
        record = next((each for each in unfinished.ended if each.id == id), None)
        record = record or recent.find(self._settings.call_log, id, since=_since(None))
        return FoundJob(self._of_record(record), "") if record else None

    def live_in(self, room: str) -> LiveFacts | None:
        """Return the live call of this host in a room; None if there is none."""
        return next((each for each in self._live.read().live if each.livekit_room == room), None)

    def _of_api(
        self, wanted: PageWanted, filters: Wanted, asked: Mapping[str, AskedCall]
    ) -> Iterator[KnownCall]:
        since = _since(wanted.since)
        stored_ones = self._store.newest(
            before=wanted.before, persona=wanted.persona, references=filters.references
        )
        for stored in stored_ones:
            call = asked.get(stored.id, stored)
            if call.asked_at < since:
                return
            if _fits(call, wanted):
                yield call

    def _others(self, wanted: PageWanted, filters: Wanted) -> Iterator[KnownCall]:
        """Yield the calls that are not from this API, newest first."""
        unfinished = self._live.read()
        ended = [] if wanted.live == "true" else self._ended(wanted, filters)
        calls = {record.id: self._of_record(record) for record in unfinished.ended}
        calls |= {live.id: _of_live(live) for live in unfinished.live}
        calls |= {record.id: self._of_record(record) for record in ended}
        names = {live.id: live.names for live in unfinished.live}
        names |= {record.id: record.names for record in (*unfinished.ended, *ended)}
        since, before = _since(wanted.since), wanted.before
        references = filters.references
        fitting = [
            call
            for call in calls.values()
            if (key := _key(call))[0] >= since
            and (before is None or key < before)
            and (wanted.persona is None or wanted.persona in names[call.id])
            and (references is None or call.reference in references)
            and _fits(call, wanted)
        ]
        rooms = self._rooms_of_api(call.room for call in fitting)
        fitting = [call for call in fitting if call.room not in rooms]
        yield from sorted(fitting, key=_key, reverse=True)

    def _ended(self, wanted: PageWanted, filters: Wanted) -> list[CallRecord]:
        return recent.newest(
            self._settings.call_log,
            wanted.limit + 1,
            since=_since(wanted.since),
            before=wanted.before,
            may_fit=filters.may_fit,
            chosen=self._not_of_api,
        )

    def _filters(self, wanted: PageWanted) -> Wanted:
        return Wanted(
            persona=wanted.persona,
            outcome=wanted.outcome,
            reference=wanted.reference,
            pseudonyms=self._names,
        )

    def _not_of_api(self, heads: Sequence[Head]) -> list[Head]:
        rooms = self._rooms_of_api(head.room for head in heads)
        return [head for head in heads if head.room not in rooms]

    def _rooms_of_api(self, rooms: Iterator[str]) -> set[str]:
        asked = set(rooms)
        return self._store.rooms_among(asked) if asked else asked

    def _of_record(self, record: CallRecord) -> KnownCall:
        """Return a call that is over. Its record is masked, also as the settings are now."""
        record = self._mask.listed(record)
        return KnownCall(
            id=record.id,
            persona=record.persona,
            direction=record.direction,
            number=record.number,
            our_number=record.our_number,
            reference=record.reference,
            idempotency_key=record.idempotency_key,
            room=record.room,
            status="over",
            outcome=record.outcome,
            reason=record.reason,
            sip_status=record.sip_status,
            retryable=record.retryable,
            retry_at=record.retry_at,
            results=record.results,
            dispatched_at=record.dispatched_at,
            dialing_at=record.dialled_at,
            ringing_at=record.ringing_at,
            answered_at=record.answered_at,
            ended_at=record.ended_at,
        )


def _of_live(live: LiveFacts) -> KnownCall:
    return KnownCall(
        id=live.id,
        persona=live.persona,
        direction=live.direction,
        number=live.number,
        our_number=live.our_number,
        reference=live.reference,
        idempotency_key=live.idempotency_key,
        room=live.room,
        status=live.status,
        dispatched_at=live.dispatched_at,
        dialing_at=live.dialled_at,
        ringing_at=live.ringing_at,
        answered_at=live.answered_at,
    )


def _fits(call: KnownCall, wanted: PageWanted) -> bool:
    live = {"over": "false", "scheduled": None}.get(call.status, "true")
    return wanted.live in (None, live) and wanted.outcome in (None, call.outcome)


def _key(call: KnownCall) -> Key:
    at = call.asked_at or call.dispatched_at
    assert at is not None
    return at.astimezone(UTC), call.id


def _since(wanted: datetime | None) -> datetime:
    earliest = now() - timedelta(seconds=KEPT)
    return max(earliest, wanted) if wanted else earliest
