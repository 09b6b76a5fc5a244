"""Calls as CSV (RFC 4180), for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime

from host.base.csv_cells import no_formula
from host.records.record import CallRecord

HEAD = (
    *("id", "dispatched_at", "answered_at", "ended_at", "personas", "direction"),
    *("number", "our_number", "reference", "outcome", "reason", "ended_by", "sip_status"),
    *("duration", "ring_time", "time_to_first_word", "voicemail", "opted_out"),
    *("cost", "currency", "results"),
)


def row_of(record: CallRecord) -> list[str]:
    """Return a call's cells, in the order of HEAD."""
    cost = record.cost
    given: dict[str, object] = {
        "personas": " > ".join(record.names),
        "cost": cost and cost.total,
        "currency": cost and cost.currency,
        "results": _json(record.results),
    }
    return [_cell(given.get(name, getattr(record, name, None))) for name in HEAD]


def csv_line(cells: Iterable[str]) -> str:
    """Return a line of the file."""
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()


def _cell(value: object) -> str:
    """Write a value; a text that is a formula is quoted, since callers choose some of them."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool | int | float) or value is None:
        return "" if value is None else str(value).lower()
    return no_formula(str(value))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""
