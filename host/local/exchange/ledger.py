"""The ledger: every number dialled or referred to, and the result.

Tests of toll fraud and of refused calls assert on it, not on what a model claims to have done.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["INVITE", "RINGING", "ANSWERED", "BYE", "CANCEL", "REFER", "NOTIFY", "FINAL"]


@dataclass(frozen=True)
class Entry:
    """One event: time (Unix seconds), kind, number and details."""

    at: float
    kind: Kind
    number: str
    detail: str = ""
    call: str = ""
    inbound: bool = False
    """Whether a telephone called the host; otherwise the host dialled."""


@dataclass
class Ledger:
    """An append-only list of entries, oldest first."""

    entries: list[Entry] = field(default_factory=list)

    def write(
        self, kind: Kind, number: str, detail: str = "", call: str = "", inbound: bool = False
    ) -> None:
        """Append an event with the current time."""
        self.entries.append(Entry(time.time(), kind, number, detail, call, inbound))

    def of(self, *kinds: Kind, number: str | None = None) -> list[Entry]:
        """Return the entries of these kinds, for one number or all."""
        return [
            entry
            for entry in self.entries
            if entry.kind in kinds and (number is None or entry.number == number)
        ]

    @property
    def numbers(self) -> list[str]:
        """All numbers that the host dialled or a call was referred to, in order."""
        return [
            entry.number
            for entry in self.of("INVITE", "REFER")
            if entry.kind == "REFER" or not entry.inbound
        ]

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self.entries))

    def __len__(self) -> int:
        return len(self.entries)
