"""Callback: the model agrees on a time at which the host calls the person back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field

from host import Call, HostError, hookimpl


class Callback(BaseModel):
    """The settings of callbacks."""

    enabled: bool = Field(False, description="let the model agree on callbacks")
    within: float = Field(
        120, gt=0, le=1440, description="minutes after the agreed time in which the host may call"
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

    wanted = call.persona_settings.plugin(Callback)
    if not (wanted.enabled and call.telephone):
        return []

    async def call_back(when: str) -> str:
        try:
            moment = _read(when, call.local_time, wanted.days)
            due = await call.call_back(moment, within=wanted.within * 60)
        except HostError as error:
            raise ToolError(f"No callback then: {error}. Offer another time, if any.") from error
        call.results["callback"] = {"at": due.astimezone(UTC).isoformat(timespec="seconds")}
        return f"Noted: they are called back on {due:%A, %d %B, at %H:%M}. Tell them so, briefly."

    call_back.__doc__ = f"""Agree to call the person back on this number, at a time that they want.

    Use it only if they ask for it, and have told the day and the time. Used again, it replaces
    what was agreed before. Where they are, it is now {call.local_time:%A, %Y-%m-%dT%H:%M%z}.

    Args:
        when: the day and the time there, such as 2026-12-01T15:00
    """
    return [call_back]


def _read(when: str, now: datetime, days: float) -> datetime:
    """Read what the model says; a time without a zone is that of `now`. Raises HostError."""
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        raise HostError("that is no day and time such as 2026-12-01T15:00") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
    if moment > now + timedelta(days=days):
        raise HostError(f"it is more than {days:g} days ahead")
    return moment
