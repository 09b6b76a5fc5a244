"""Schedules a call of the command line: a running host of this deployment places it."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer
from pydantic import ValidationError

from host.base.clock import now
from host.base.errors import HostError
from host.base.validation import faults_in, sentence
from host.call.schedule import AlreadyScheduled, Full, Schedule, Scheduled
from host.cli import checks
from host.compliance import Gate
from host.compliance.window import NeverAllowed, first_moment, window_of
from host.settings import Settings

if TYPE_CHECKING:
    from host.server.api.schemas import WantedCall


def wanted(
    persona: str,
    number: str,
    details: Mapping[str, Any],
    key: str | None,
    reference: str | None,
    dtmf: str | None,
    caller_id: str | None,
) -> WantedCall:
    """Return the request of a call. Raises HostError."""
    from host.server.api.schemas import WantedCall

    try:
        return WantedCall(
            persona=persona,
            number=number,
            details=dict(details),
            idempotency_key=key,
            reference=reference,
            dtmf=dtmf,
            caller_id=caller_id,
        )
    except ValidationError as error:
        fault = faults_in(error)[0]
        name = {"idempotency_key": "key", "caller_id": "caller-id"}.get(
            str(fault["loc"][0]), str(fault["loc"][0])
        )
        raise HostError(sentence(f"--{name}", fault)) from None


def schedule(
    settings: Settings,
    wanted: WantedCall,
    at: datetime | None,
    not_after: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Schedule a call, and say when it is due. Raises HostError if it can't be placed then."""
    names = ("--at", "--not-after")
    window = window_of(at and at.astimezone(), not_after and not_after.astimezone(), now(), names)
    gate = Gate(settings, settings.persona(wanted.persona), wanted.persona)
    try:
        due = first_moment(gate, wanted.number, window, caller_id=wanted.caller_id)
    except NeverAllowed as error:
        hint = checks.number_of_the_local_world(error.verdict, wanted.number)
        raise HostError(
            f"the call is not allowed: {error.reason} (rule: {error.verdict.rule}){hint}"
        ) from None
    id = secrets.token_hex(12)  # one that begins with a dash would be an option of `hangup`
    key = wanted.idempotency_key or f"scheduled-{id}"
    given = {"not_before": window.begin, "not_after": window.end}
    request = wanted.model_copy(update=given).model_dump_json()
    waiting, asked = Schedule(settings.state_dir), Scheduled(id, key, due, window.end, request)
    try:
        waiting.add(asked)
    except AlreadyScheduled:
        known = waiting.of_key(key)
        if known is None:
            raise HostError(f"--key: the call of {key!r} has been placed already") from None
        asked = known
    except Full:
        raise HostError("too many calls are scheduled already") from None
    except (OSError, sqlite3.Error) as error:
        raise HostError(f"the call can't be scheduled: {error}") from error
    local = asked.due.astimezone().isoformat(timespec="seconds")
    if as_json:
        facts = {"id": asked.id, "status": "scheduled", "due_at": local}
        typer.echo(json.dumps({**facts, "not_after": asked.until.isoformat()}))
    else:
        typer.echo(f"scheduled for {local}: {asked.id}")
