"""Searches the index: filters of the calls page, pages of results, and the calls' records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from host.privacy import NAMED, Pseudonyms
from host.records.filters import read_number
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.server.console.context import Console

PAGE = 50
"""Calls on a page."""
_FROM = """
FROM calls WHERE
    (:persona = '' OR row IN (SELECT row FROM personas WHERE name = :persona))
    AND (:outcome = '' OR outcome = :outcome)
    AND (:direction = '' OR direction = :direction)
    AND at >= :since AND at < :until
    AND (:number = '' OR instr(number, :number) OR instr(ours, :number) OR number = :alias
         OR ours = :alias OR reference = :reference)
    AND (:words = '' OR row IN (SELECT rowid FROM words WHERE words MATCH :words))
"""
_PLACE = re.compile(r"(\d{1,12}\.\d{1,6})~([\w-]{1,80})", re.ASCII)


@dataclass(frozen=True)
class Search:
    """Which calls to list, as the form has it. An empty text matches anything."""

    persona: str = ""
    outcome: str = ""
    direction: str = ""
    since: str = ""
    until: str = ""
    number: str = ""
    words: str = ""
    faults: tuple[str, ...] = field(default=(), compare=False)
    """What of the form can't be used."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Search:
        """Read the parameters of a request."""
        given = {name: query.get(name, "").strip()[:100] for name in FIELDS}
        faults = []
        for name in ("since", "until"):
            if _day(given[name]) is None and given[name]:
                faults.append(f"{given[name]!r} is no date like 2026-11-30")
                given[name] = ""
        if given["outcome"] and given["outcome"] not in [*Outcome]:
            faults.append(f"there is no outcome {given['outcome']!r}")
            given["outcome"] = ""
        return cls(**given, faults=tuple(faults))

    @property
    def query(self) -> str:
        """The search as a query string."""
        given = {name: value for name, value in asdict(self).items() if name in FIELDS and value}
        return urlencode(given)

    def facts(self, names: Pseudonyms) -> dict[str, Any]:
        """Return the parameters of the query. A complete number is also found by its pseudonym."""
        number = read_number(self.number)
        alias = names.of(number) if number.startswith("+") else ""
        since, until = _day(self.since), _day(self.until)
        return {
            **{name: getattr(self, name) for name in ("persona", "outcome", "direction")},
            "since": since.timestamp() if since else 0.0,
            "until": _next(until).timestamp() if until else 1e12,
            "number": number,
            "alias": alias if NAMED in alias else "",
            "reference": self.number,
            "words": " ".join(f'"{word}"*' for word in re.findall(r"\w+", self.words)[:10]),
        }


FIELDS = ("persona", "outcome", "direction", "since", "until", "number", "words")


@dataclass(frozen=True)
class Found:
    """A page of calls, newest first."""

    calls: list[CallRecord]
    """Redacted, without their stories."""
    total: int
    """Calls that match, on all pages."""
    older: str | None
    """Where the next page begins; None on the last one."""


def search(console: Console, wanted: Search, before: str = "") -> Found:
    """Return a page of calls. Raises OSError."""
    facts = wanted.facts(Pseudonyms(console.settings.state_dir))
    ((total,),) = console.index.rows(f"SELECT COUNT(*) {_FROM}", facts)
    at, id = _place(before)
    query = (
        f"SELECT at, id, place, size {_FROM} AND (at, id) < (:at, :id) "
        "ORDER BY at DESC, id DESC LIMIT :limit"
    )
    rows = console.index.rows(query, {**facts, "at": at, "id": id, "limit": PAGE + 1})
    shown = rows[:PAGE]
    older = f"{shown[-1][0]:.6f}~{shown[-1][1]}" if len(rows) > PAGE else None
    records = console.index.records([(place, size) for *_, place, size in shown])
    return Found([console.masks.listed(record) for record in records], total, older)


def places(console: Console, wanted: Search) -> list[tuple[int, int]]:
    """Return the places of all calls that match, newest first. Raises OSError."""
    facts = wanted.facts(Pseudonyms(console.settings.state_dir))
    query = f"SELECT place, size {_FROM} ORDER BY at DESC, id DESC"
    return [(place, size) for place, size in console.index.rows(query, facts)]


def find(console: Console, id: str) -> CallRecord | None:
    """Return a call's record, redacted; None if the log has none. Raises OSError."""
    rows = console.index.rows("SELECT place, size FROM calls WHERE id = :id", {"id": id})
    records = console.index.records([(place, size) for place, size in rows])
    return console.masks.record(records[0]) if records else None


def personas_of(console: Console) -> list[str]:
    """Return the names of all personas: loaded ones, and those of calls. Raises OSError."""
    rows = console.index.rows("SELECT DISTINCT name FROM personas", {})
    return sorted({*console.loaded.personas, *(name for (name,) in rows)})


def _place(text: str) -> tuple[float, str]:
    found = _PLACE.fullmatch(text)
    return (float(found[1]), found[2]) if found else (1e12, "")


def _day(text: str) -> datetime | None:
    """Return the beginning of a day, local; None if it is none."""
    try:
        return datetime.combine(date.fromisoformat(text), time()).astimezone()
    except (ValueError, OverflowError):
        return None


def _next(day: datetime) -> datetime:
    return datetime.combine(day.date() + timedelta(days=1), time()).astimezone()
