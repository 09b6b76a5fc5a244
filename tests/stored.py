"""Call records for tests, and how they are read back from a database."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from deployment import HERE

from host.records.record import CallRecord

RECORDS = HERE / "records"
"""Records as hosts have written them: version 1, whole, and one of a refused call."""
LISTS = ("transcript", "tools", "keys", "menus", "transfers", "personas", "operators", "usage")


def a_record(name: str = "v1", **other: Any) -> CallRecord:
    """A record of tests/records, with some fields changed."""
    if "persona" in other:
        other.setdefault("personas", [])
    record = CallRecord.model_validate_json((RECORDS / f"{name}.json").read_text())
    return CallRecord.model_validate(record.model_dump() | other)


def rows_of(database: Path, query: str, *values: Any) -> list[dict[str, Any]]:
    """What a query gives, by the columns' names."""
    with closing(sqlite3.connect(database)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(query, values)]


def stored(database: Path, id: str) -> CallRecord | None:
    """Put a call's record together from its tables; None where it is not there."""
    if not database.exists() or not rows_of(database, "SELECT 1 FROM sqlite_master"):
        return None
    for call in rows_of(database, "SELECT * FROM calls WHERE id = ?", id):
        lists = {
            name: rows_of(database, f"SELECT * FROM {name} WHERE call_id = ? ORDER BY position", id)
            for name in LISTS
        }
        lists["usage"] = _by_model(lists["usage"])
        objects = {
            "results": json.loads(call["results"]),
            "cost": json.loads(call["cost"] or "null"),
        }
        return CallRecord.model_validate(call | lists | objects)
    return None


def _by_model(amounts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    usage: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in amounts:
        of = {name: row[name] for name in ("kind", "provider", "model")}
        one = usage.setdefault(tuple(of.values()), {**of, "amounts": {}})
        one["amounts"][row["name"]] = row["amount"]
    return list(usage.values())
