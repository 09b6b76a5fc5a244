"""The list of scheduled calls: one line for each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel

from host.base.errors import HostError
from host.call.schedule import Schedule, Scheduled
from host.cli.calls.live import told
from host.cli.layout import aligned, cut, day_and_time, printable
from host.records.filters import Wanted

if TYPE_CHECKING:
    from host.settings import Settings

HEAD = ("call", "due", "until", "persona", "number", "reference")


class Waiting(BaseModel):
    """A call that waits for its time; its number and reference are masked as in its record."""

    id: str
    """Its ID in the API, by which `hangup` cancels it."""
    persona: str
    number: str | None
    our_number: None = None
    reference: str | None
    due: datetime
    until: datetime
    placed: bool
    """Whether a host has begun to place it."""

    @property
    def names(self) -> list[str]:
        """The persona, as of a record."""
        return [self.persona]

    @property
    def dispatched_at(self) -> datetime:
        """When it is to begin."""
        return self.due


def scheduled_calls(
    settings: Settings,
    wanted: Wanted,
    limit: int,
    now: datetime,
    *,
    as_json: bool = False,
    width: int | None = None,
) -> str:
    """List the calls that wait for their time as text or JSON, those due first, first.

    Numbers and references are masked as in records. Raises HostError.
    """
    if wanted.outcome is not None or wanted.since is not None:
        raise HostError("a scheduled call has not begun: leave out --outcome and --since")
    try:
        waiting = [each for each in Schedule(settings.state_dir).waiting() if not each.cancelled]
    except (OSError, sqlite3.Error) as error:
        raise HostError(f"{settings.state_dir}: {error}") from error
    found = [each for each in _described(settings, waiting) if wanted.fits_live(each)][:limit]
    return told(found, "scheduled calls", wanted, as_json=as_json) or table(found, now, width)


def table(calls: Sequence[Waiting], now: datetime, width: int | None = None) -> str:
    """Lay scheduled calls out for a terminal of this many columns; None cuts nothing."""
    lines = (
        (
            printable(call.id),
            *(day_and_time(at, now) for at in (call.due, call.until)),
            printable(call.persona),
            printable(call.number or "-"),
            printable(call.reference or "-"),
        )
        for call in calls
    )
    return "\n".join(cut(row, width) for row in aligned([HEAD, *lines]))


def _described(settings: Settings, waiting: list[Scheduled]) -> Iterator[Waiting]:
    from host.server.api.schemas import WantedCall  # takes a while to import
    from host.server.live_calls import Masks

    masks = Masks(settings)
    for call in waiting:
        request = WantedCall.model_validate_json(call.request)
        personas = masks.whoever_may_get(request.persona)
        yield Waiting(
            id=call.id,
            persona=request.persona,
            number=masks.number(request.number, personas),
            reference=masks.id(request.reference, request.number, personas),
            due=call.due,
            until=call.until,
            placed=call.placed,
        )
