"""Callback: the model agrees on a time at which the host calls the person back."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field

from host import Call, HostError, hookimpl
from host.base.e164 import E164

log = logging.getLogger("host")


class Callback(BaseModel):
    """The settings of callbacks."""

    enabled: bool = Field(False, description="let the model agree on callbacks")
    within: float = Field(
        120, gt=0, le=1440, description="minutes after the time within which the host calls back"
    )
    days: float = Field(7, gt=0, le=30, description="how many days ahead a callback may be")


@hookimpl
def plugin_settings() -> type[Callback]:
    """Read `[plugins.callback]`."""
    return Callback


@hookimpl
def tools(call: Call) -> list[Any]:
    """Return the tool if the persona asks for it, and the far end is a telephone."""
    from livekit.agents import ToolError

    from host.compliance.hours import in_a_zone_of

    wanted = call.persona_settings.plugin(Callback)
    if not (wanted.enabled and call.telephone and _number(call)):
        return []

    async def call_back(when: str) -> str:
        try:
            due = await asyncio.to_thread(_schedule, call, wanted, when)
        except HostError as error:
            raise ToolError(f"No callback then: {error}. Offer another time.") from error
        except (OSError, sqlite3.Error) as error:
            log.error("a callback could not be noted: %s", error)
            raise ToolError("It could not be noted. Say so, and that they may call us.") from error
        call.results["callback"] = {"at": due.astimezone(UTC).isoformat(timespec="seconds")}
        return f"Noted: they are called back on {due:%A, %d %B, at %H:%M}. Tell them so, briefly."

    there = in_a_zone_of(_number(call), datetime.now(UTC))
    call_back.__doc__ = f"""Agree to call the person back on this number, at a time that they want.

    Use it only if they ask for it, and have told the day and the time. Used again, it replaces
    what was agreed before. Where they are, it is now {there:%A, %Y-%m-%dT%H:%M%z}.

    Args:
        when: the day and the time there, such as 2026-12-01T15:00
    """
    return [call_back]


def _number(call: Call) -> str:
    """Return the far end's number, the only one that may be called back; empty if there is none."""
    number = call.number or ""
    plausible = call.outbound or call.caller.plausible
    return number if plausible and E164.fullmatch(number) else ""


def _schedule(call: Call, wanted: Callback, when: str) -> datetime:
    """Schedule the callback; return when it is due, as a clock there shows it. Raises HostError."""
    from host.call.dispatch import RESERVED
    from host.compliance import Gate
    from host.compliance.hours import in_a_zone_of
    from host.dispatch.details import parse_details
    from host.dispatch.schedule import Full, Schedule, Scheduled
    from host.dispatch.window import NeverAllowed, Window, first_moment, window_of

    number, now = _number(call), datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        raise HostError("that is no day and time such as 2026-12-01T15:00") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=in_a_zone_of(number, now).tzinfo)
    if moment > now + timedelta(days=wanted.days):
        raise HostError(f"it is more than {wanted.days:g} days ahead")
    window_of(moment, None, now, ("that time", ""))
    window = Window(max(moment, now), moment + timedelta(minutes=wanted.within))
    details = {name: value for name, value in call.metadata.items() if name not in RESERVED}
    details = details if call.outbound else {}
    given = {"persona": call.persona, "phone_number": number, "idempotency_key": "callback"}
    parse_details(call.hooks, {**details, **given})
    try:
        due = first_moment(Gate(call.settings, call.persona_settings, call.persona), number, window)
    except NeverAllowed as error:
        raise HostError(error.reason) from None
    id, schedule = secrets.token_urlsafe(18), Schedule(call.settings.state_dir)
    request = {
        "persona": call.persona,
        "number": number,
        "details": details,
        "reference": call.reference,
        "not_before": window.begin.isoformat(),
        "not_after": window.end.isoformat(),
    }
    try:
        schedule.add(Scheduled(id, f"callback-{id}", due, window.end, json.dumps(request)))
    except Full:
        raise HostError("too many calls are scheduled already") from None
    if before := getattr(call.state, "callback", None):
        schedule.cancel(before, "another time was agreed")
    call.state.callback = id
    return in_a_zone_of(number, due)
