"""Filters of calls: persona, outcome, time, number and reference."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Protocol

from host.base.errors import HostError
from host.privacy import NAMED, Pseudonyms
from host.records.outcome import Outcome
from host.records.record import CallRecord

_AGO = re.compile(r"(\d+)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_BEGUN = re.compile(rb'"dispatched_at":"([^"]{19})')


class LiveOrEnded(Protocol):
    """What every call has, with or without a record."""

    @property
    def names(self) -> Sequence[str]: ...
    @property
    def number(self) -> str | None: ...
    @property
    def our_number(self) -> str | None: ...
    @property
    def reference(self) -> str | None: ...
    @property
    def dispatched_at(self) -> datetime: ...


@dataclass(frozen=True)
class Wanted:
    """Criteria for calls. None matches anything."""

    persona: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    number: str | None = None
    """Part of the far end's number, or of ours."""
    reference: str | None = None
    pseudonyms: Pseudonyms | None = None
    """Also matches a complete number by its pseudonym in masked records."""

    @property
    def anything(self) -> bool:
        """Whether every call matches."""
        wanted = (self.persona, self.outcome, self.since, self.number, self.reference)
        return wanted == (None,) * 5

    def may_fit(self, line: bytes) -> bool:
        """Return False if a line of the log can't match; cheap, without parsing it."""
        if self.since and (begun := _BEGUN.search(line)):
            since = self.since.astimezone(UTC).isoformat()[:19].encode()
            if begun[1] < since:
                return False
        return all(
            (
                self.persona is None
                or in_log("persona", self.persona) in line
                or in_log("name", self.persona) in line,  # of one that it was handed over to
                self.outcome is None or in_log("outcome", self.outcome) in line,
                self.number is None or any(each.encode() in line for each in self._numbers),
                self.references is None
                or any(in_log("reference", each) in line for each in self.references),
            )
        )

    def fits(self, record: CallRecord) -> bool:
        """Return whether a record matches."""
        return self.outcome in (None, record.outcome) and self.fits_live(record)

    def fits_live(self, call: LiveOrEnded) -> bool:
        """Return whether a call matches that may have no outcome yet."""
        numbers = (call.number or "", call.our_number or "")
        return (
            (self.persona is None or self.persona in call.names)
            and (self.since is None or call.dispatched_at >= self.since)
            and (self.references is None or call.reference in self.references)
            and (
                self.number is None
                or any(each in number for each in self._numbers for number in numbers)
            )
        )

    @cached_property
    def _numbers(self) -> tuple[str, ...]:
        """The number, and its masked form with the pseudonym."""
        number = self.number or ""
        if self.pseudonyms is None or not number.startswith("+"):
            return (number,)
        called = self.pseudonyms.of(number)
        return (number, called) if NAMED in called else (number,)

    @cached_property
    def references(self) -> set[str] | None:
        """The reference, and what of it a record may have that masks telephone numbers."""
        wanted, names = self.reference, self.pseudonyms
        if wanted is None or names is None:
            return None if wanted is None else {wanted}
        numbers = (None, *re.findall(r"[0-9]{7,15}", wanted))  # each may be the far end's
        return {wanted, *(names.within(wanted, number) for number in numbers)}


def in_log(field: str, text: str) -> bytes:
    """Return a field as it is encoded in a line of the log; never found inside a string."""
    return f'"{field}":{json.dumps(text, ensure_ascii=False)}'.encode()


def read_since(text: str, now: datetime) -> datetime:
    """Parse `90m`, `2h`, `1d`, or an ISO 8601 date or time, local without an offset.

    Raises HostError.
    """
    try:
        if ago := _AGO.fullmatch(text.strip().lower()):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise HostError(
            f"--since {text!r} is neither like 30m, 2h, 1d nor like 2026-11-23 or 2026-11-23T09:30"
        ) from None


def read_number(text: str) -> str:
    """Normalise a number as people write it: +1 (555) 222-0001."""
    return re.sub(r"[\s().-]", "", text)
