"""The list of calls: one line for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from host.cli.layout import aligned, cut, day_and_time, length, money, printable
from host.records.record import CallRecord

SHORT_ID = 8
"""Signs of an id that tell calls apart; `show` takes them."""
ROOM_FOR_REASON = 20
"""Columns that a reason needs to be worth its place."""
HEAD = ("call", "begun", "persona", "way", "number", "talk", "outcome")


def table(records: Sequence[CallRecord], now: datetime, width: int | None = None) -> str:
    """Lay calls out for a terminal of this many columns; None is none, and cuts nothing."""
    talks = [length(record.duration) if record.answered_at else "-" for record in records]
    widest_talk = max(map(len, (HEAD[5], *talks)))
    costs = [money(record.cost) if record.cost else "" for record in records]
    lines = (
        (*_line(record, talk.rjust(widest_talk), now), *([cost] if any(costs) else []))
        for record, talk, cost in zip(records, talks, costs, strict=True)
    )
    rows = aligned([(*HEAD, *(["cost"] if any(costs) else [])), *lines])
    widest = max(map(len, rows))
    if width is not None and widest + ROOM_FOR_REASON > width:
        return "\n".join(rows)
    reasons = ["why", *(printable(record.reason) for record in records)]
    return "\n".join(
        cut(f"{row:{widest}}  {reason}".rstrip(), width)
        for row, reason in zip(rows, reasons, strict=True)
    )


def _line(record: CallRecord, talk: str, now: datetime) -> tuple[str, ...]:
    return (
        printable(record.id[:SHORT_ID]),
        day_and_time(record.dispatched_at, now),
        printable(record.persona or "-"),
        "in" if record.direction == "inbound" else "out",
        printable(record.number or "-"),
        talk,
        record.outcome.value,
    )
