"""Calling the far end of a call back, at a time that was agreed on with it."""

from __future__ import annotations

import json
import logging
import secrets
import sqlite3
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from host.base.clock import now
from host.base.e164 import E164
from host.base.errors import HostError
from host.call.dispatch import RESERVED
from host.call.schedule import Full, Schedule, Scheduled
from host.compliance.hours import in_a_zone_of, time_at
from host.compliance.window import NeverAllowed, Window, first_moment, window_of

if TYPE_CHECKING:
    from host.call.call import Call
    from host.call.parts import Hooks
    from host.call.state import CallState
    from host.compliance import Gate
    from host.settings import Settings

log = logging.getLogger("host")


class _Live(Protocol):
    """What a `LiveCall` has of this."""

    state: CallState
    call: Call
    settings: Settings

    @property
    def gate(self) -> Gate: ...
    @property
    def hooks(self) -> Hooks: ...


def call_back(call: _Live, when: datetime, within: float) -> datetime:
    """Schedule a call of the same persona to the same number; see `Call.call_back`."""
    number, at = _number(call), now()
    when = when if when.tzinfo else when.replace(tzinfo=time_at(number).tzinfo)
    window_of(when, None, at, ("that time", ""))
    window = Window(max(when, at), when + timedelta(seconds=within))
    details = call.state.metadata if call.state.outbound else {}
    details = {name: value for name, value in details.items() if name not in RESERVED}
    _require_details(call, {**details, "persona": call.call.persona, "phone_number": number})
    try:
        due = first_moment(call.gate, number, window)
    except NeverAllowed as error:
        raise HostError(error.reason) from None
    request = {
        "persona": call.call.persona,
        "number": number,
        "details": details,
        "reference": call.state.reference,
        "not_before": window.begin.isoformat(),
        "not_after": window.end.isoformat(),
    }
    id, schedule = secrets.token_hex(12), Schedule(call.settings.state_dir)
    try:
        schedule.add(Scheduled(id, f"callback-{id}", due, window.end, json.dumps(request)))
        if call.state.callback:
            schedule.cancel(call.state.callback, "another time was agreed on")
    except Full:
        raise HostError("too many calls are scheduled already") from None
    except (OSError, sqlite3.Error) as error:
        log.error("a callback can't be scheduled: %s", error)
        raise HostError("it could not be noted") from error
    call.state.callback = id
    return in_a_zone_of(number, due)


def _number(call: _Live) -> str:
    """Return the far end's number, the only one that may be called back. Raises HostError."""
    number = call.state.number or ""
    if not E164.fullmatch(number) or not (call.state.outbound or call.call.caller.plausible):
        raise HostError("the number of the other party is unknown")
    return number


def _require_details(call: _Live, metadata: dict[str, object]) -> None:
    """Raise HostError unless the persona takes a call with this metadata."""
    given = {**metadata, "idempotency_key": "callback"}
    try:
        call.hooks.parse_metadata(metadata=given)
    except Exception as error:  # whatever it is, the call would be refused
        log.warning(
            "no callback: parse_metadata of %s: %s", metadata["persona"], type(error).__name__
        )
        raise HostError("a call back would lack details") from None
