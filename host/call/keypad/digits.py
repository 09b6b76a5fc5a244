"""A number that is typed: when it is complete, and when it is right."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from host.call.keypad.missed import Missed

Valid = str | Callable[[str], object]
"""A regular expression for the whole number, or a function that is true of a right one."""


@dataclass(frozen=True)
class Digits:
    """What is asked for."""

    length: int | tuple[int, int]
    """How many keys, or the fewest and the most."""
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
        """The fewest keys of a whole number."""
        return self.length if isinstance(self.length, int) else self.length[0]

    @property
    def most(self) -> int:
        """The most keys of a whole number: it is complete with them."""
        return self.length if isinstance(self.length, int) else self.length[1]

    async def read(self, take: Callable[[float], Awaitable[str | None]]) -> str:
        """Read a number, key by key; `take` waits so many seconds for the next. Raises Missed."""
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
