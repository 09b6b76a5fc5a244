"""The list of live calls: one line for each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel

from host.base.errors import HostError
from host.cli.calls.table import SHORT_ID
from host.cli.layout import aligned, cut, day_and_time, length, printable
from host.records.filters import Wanted

if TYPE_CHECKING:
    from host.server.live_calls import LiveFacts
    from host.settings import Settings

HEAD = ("call", "begun", "persona", "way", "number", "talk", "status")


def live_calls(
    settings: Settings,
    wanted: Wanted,
    limit: int,
    now: datetime,
    *,
    as_json: bool = False,
    width: int | None = None,
) -> str:
    """List live calls as text or JSON, newest first. Raises HostError."""
    from host.server.live_calls import LiveCalls  # takes a while to import

    if wanted.outcome is not None:
        raise HostError("a live call has no outcome yet: leave out --outcome or --live")
    found = [call for call in LiveCalls(settings).read().live if wanted.fits_live(call)][:limit]
    return told(found, "live calls", wanted, as_json=as_json) or table(found, now, width)


def told(found: Sequence[BaseModel], kind: str, wanted: Wanted, *, as_json: bool) -> str:
    """Return calls as JSON, or that there are none; empty if they need a table."""
    if as_json:
        return json.dumps({"calls": [call.model_dump(mode="json") for call in found]}, indent=2)
    if not found:
        return f"no {kind}" if wanted.anything else f"no such {kind}"
    return ""


def table(calls: Sequence[LiveFacts], now: datetime, width: int | None = None) -> str:
    """Lay live calls out for a terminal of this many columns; None is none, and cuts nothing."""
    talks = [
        length((now - call.answered_at).total_seconds()) if call.answered_at else "-"
        for call in calls
    ]
    widest = max(map(len, (HEAD[5], *talks)))
    lines = (
        (
            printable(call.id[:SHORT_ID]),
            day_and_time(call.dispatched_at, now),
            printable(" -> ".join(call.personas) or "-"),
            "in" if call.direction == "inbound" else "out",
            printable(call.number or "-"),
            talk.rjust(widest),
            call.status,
        )
        for call, talk in zip(calls, talks, strict=True)
    )
    return "\n".join(cut(row, width) for row in aligned([HEAD, *lines]))
