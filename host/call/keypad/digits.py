"""Collects a number from keys: its length, its terminator and its validation."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from host.call.keypad.missed import Missed

Valid = str | Callable[[str], object]
"""A regular expression for the whole number, or a predicate."""


@dataclass(frozen=True)
class Digits:
    """The number to collect. Timeouts are seconds."""

    length: int | tuple[int, int]
    """Number of keys, or minimum and maximum."""
    ends_with: str
    clears_with: str
    first_timeout: float
    between_timeout: float
    valid: Valid | None

    def __post_init__(self) -> None:
        if not 0 <= self.fewest <= self.most or self.most < 1:
            raise ValueError(f"{self.length!r} is not a valid length of a number")

    @property
    def fewest(self) -> int:
        """Minimum number of keys."""
        return self.length if isinstance(self.length, int) else self.length[0]

    @property
    def most(self) -> int:
        """Maximum number of keys; the number is complete with them."""
        return self.length if isinstance(self.length, int) else self.length[1]

    async def read(self, take: Callable[[float], Awaitable[str | None]]) -> str:
        """Collect a number; `take` waits up to the given seconds for a key. Raises Missed."""
        typed = ""
        while len(typed) < self.most:
            key = await take(self.between_timeout if typed else self.first_timeout)
            if key is None or key == self.ends_with:
                break
            typed = "" if key == self.clears_with else typed + key
        if len(typed) < self.fewest:
            raise Missed(wrong=bool(typed))
        if not self._right(typed):
            raise Missed(wrong=True)
        return typed

    def _right(self, typed: str) -> bool:
        if self.valid is None:
            return True
        if isinstance(self.valid, str):
            return re.fullmatch(self.valid, typed) is not None
        return bool(self.valid(typed))
