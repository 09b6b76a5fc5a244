"""Reads the file of a campaign: CSV with a header, one call a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from host.base.e164 import E164
from host.base.errors import HostError, MetadataError
from host.call.dispatch import RESERVED
from host.compliance import Gate
from host.dispatch.campaigns.model import MOST_ROWS, Row, Step
from host.records.filters import read_number

NUMBER, REFERENCE = "number", "reference"
MOST_FAULTS = 50
"""Faults that are named; the rest are counted."""

Check = Callable[[str, dict[str, Any], str | None], None]
"""Checks a row's number, details and reference as a call's. Raises MetadataError."""


class Fault(NamedTuple):
    """What is wrong with one line of a file."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


def read_rows(text: str) -> tuple[list[Row], list[Fault]]:
    """Return the rows of a file, and the faults of the other lines. Raises HostError.

    The column `number` has the number to call, `reference` your own ID; all others are details.
    Empty cells are left out.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        head = [name.strip() for name in next(reader, [])]
        _require_columns(head)
        rows, faults = list[Row](), list[Fault]()
        lines: dict[str, int] = {}
        for cells in reader:
            line = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            try:
                row = _row(line, head, [cell.strip() for cell in cells])
                if row.number in lines:
                    raise HostError(f"the number is that of line {lines[row.number]}")
                lines[row.number] = line
                rows.append(row)
            except HostError as error:
                faults.append(Fault(line, str(error)))
            if len(rows) > MOST_ROWS:
                raise HostError(f"the file has more than {MOST_ROWS} rows")
    except csv.Error as error:
        raise HostError(f"line {reader.line_num}: {error}") from None
    if not rows and not faults:
        raise HostError("the file has no rows")
    return rows, faults


def check_rows(rows: list[Row], check: Check) -> list[Fault]:
    """Return what the persona's `parse_metadata` finds wrong, before anything is dialled."""
    return list(_found(rows, check))


def leave_forbidden(rows: list[Row], gate: Gate, caller_id: str | None = None) -> list[Row]:
    """Mark the rows that the gate will not allow at any time as done, and return them."""
    left = []
    for row in rows:
        verdict = gate.dial(row.number, attempt=False, caller_id=caller_id)
        if not verdict.allowed and (verdict.rule is None or not verdict.rule.passes):
            row.step, row.note = Step.DONE, str(verdict)
            left.append(row)
    return left


def _require_columns(head: list[str]) -> None:
    if NUMBER not in head:
        raise HostError(f"the file has no column {NUMBER!r} in its first line")
    if again := {name for name in head if head.count(name) > 1}:
        raise HostError(f"the column {sorted(again)[0]!r} is there twice")
    if taken := [name for name in head if name in RESERVED and name != REFERENCE]:
        raise HostError(f"the column {taken[0]!r} can't be a detail")


def _row(line: int, head: list[str], cells: list[str]) -> Row:
    if len(cells) > len(head):
        raise HostError(f"it has {len(cells)} cells, and the first line {len(head)}")
    given = {name: cell for name, cell in zip(head, cells, strict=False) if cell and name}
    number = read_number(given.pop(NUMBER, ""))
    if not E164.fullmatch(number):
        raise HostError("its number is not in E.164, such as +15550001111")
    return Row(line=line, number=number, reference=given.pop(REFERENCE, None), details=given)


def _found(rows: list[Row], check: Check) -> Iterator[Fault]:
    for row in rows:
        try:
            check(row.number, row.details, row.reference)
        except MetadataError as error:
            yield Fault(row.line, str(error))
