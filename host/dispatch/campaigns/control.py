"""What commands and the API do with campaigns: start, pause, resume, stop, results."""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Iterable
from typing import Any, Literal

from host.base.clock import now
from host.base.csv_cells import no_formula
from host.base.e164 import E164
from host.base.errors import HostError
from host.dispatch.campaigns.model import Campaign, Counts, Row, Status
from host.dispatch.campaigns.queue import Directory

Change = Literal["pause", "resume", "stop"]

COLUMNS = (
    "line", "number", "reference", "step", "outcome", "reason", "attempts", "due_at", "record",
    "room", "results",
)  # fmt: skip
_CHANGES: dict[str, tuple[tuple[Status, ...], Status]] = {
    "pause": (("running",), "paused"),
    "resume": (("paused",), "running"),
    "stop": (("running", "paused"), "stopped"),
}


def start(directory: Directory, rows: list[Row], **facts: Any) -> Campaign:
    """Store a campaign of checked rows; running hosts begin with it."""
    campaign = Campaign(id=secrets.token_hex(5), made_at=now(), **facts)
    directory.add(campaign, rows)
    return campaign


def change(directory: Directory, id: str, what: Change, reason: str = "") -> Campaign:
    """Pause, resume or stop a campaign. Raises HostError if it is in no state for it.

    Calls that go on are not hung up.
    """
    campaign = directory.find(id)
    before, after = _CHANGES[what]
    if campaign.status == after:
        return campaign
    if campaign.status not in before:
        raise HostError(f"the campaign is {campaign.status}")
    campaign.status, campaign.reason = after, reason
    campaign.edition += 1
    directory.keep(campaign)
    return campaign


def described(directory: Directory, campaign: Campaign) -> dict[str, Any]:
    """Return a campaign and how its rows stand, as JSON."""
    facts = campaign.model_dump(mode="json", exclude={"edition"})
    counts = Counts.of(directory.rows(campaign))
    return {**facts, **counts.model_dump(mode="json")}


def results(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return how each row stands, or ended: its outcome, its record's ID and its results."""
    return [_result(row) for row in rows]


def as_csv(told: list[dict[str, Any]]) -> str:
    """Return results as CSV. A cell that a spreadsheet would run as a formula is quoted."""
    written = io.StringIO()
    table = csv.DictWriter(written, COLUMNS, lineterminator="\n")
    table.writeheader()
    for row in told:
        cells = {**row, "results": json.dumps(row["results"]) if row["results"] else ""}
        table.writerow({name: _safe(cell) for name, cell in cells.items()})
    return written.getvalue()


def _result(row: Row) -> dict[str, Any]:
    last = row.attempts[-1] if row.attempts else None
    return {
        "line": row.line,
        "number": row.number,
        "reference": row.reference,
        "step": row.step.value,
        "outcome": row.outcome and row.outcome.value,
        "reason": row.note or (last and last.reason) or "",
        "attempts": len(row.attempts),
        "due_at": row.due_at and row.due_at.isoformat(),
        "record": last and last.call,
        "room": last and last.room,
        "results": last.results if last else {},
    }


def _safe(cell: Any) -> Any:
    """Return a cell; a telephone number is no formula.

    Before Python 3.13, the writer quotes no carriage return, which some readers take for the end of
    a row: what follows it would begin a cell.
    """
    if not isinstance(cell, str) or E164.fullmatch(cell):
        return cell
    return no_formula(cell).replace("\r\n", "\n").replace("\r", "\n")
