"""Keys that the far end has pressed and nobody has taken yet."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from host.records.record import KeyPress

TYPED_AHEAD = 15.0
"""Seconds for which a key counts as the answer to a question that is still to come."""
LATE = 2.0
"""Seconds in which the key that would have ended a number may follow one that is complete."""


@dataclass(frozen=True)
class Pressed:
    """One key."""

    digit: str
    noted: KeyPress
    """The key in the call's record."""
    at: float = field(default_factory=time.monotonic)


class Typed:
    """Keys in the order in which they were pressed."""

    def __init__(self) -> None:
        self._keys: deque[Pressed] = deque()
        self._arrived = asyncio.Event()
        self._late = ("", 0.0)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def add(self, key: Pressed) -> None:
        """Take a key in, unless it only ends a number that ended without it."""
        digit, until = self._late
        self._late = ("", 0.0)
        if key.digit == digit and key.at < until:
            return
        self._keys.append(key)
        self._arrived.set()

    def clear(self) -> None:
        """Forget what nobody has taken."""
        self._keys.clear()

    def forget_old(self) -> None:
        """Forget keys that were pressed too long ago to be an answer."""
        while self._keys and self._keys[0].at < time.monotonic() - TYPED_AHEAD:
            self._keys.popleft()

    def expect_late(self, digit: str) -> None:
        """Say that a number is complete: this key may still follow it, and means nothing."""
        if self._keys and self._keys[0].digit == digit:
            self._keys.popleft()
        elif not self._keys:
            self._late = (digit, time.monotonic() + LATE)

    async def arrived(self) -> None:
        """Wait until there is a key."""
        while not self._keys:
            self._arrived.clear()
            await self._arrived.wait()

    def mask(self, mask: str) -> None:
        """Put a mask over the keys in the record that nobody has taken yet."""
        for key in self._keys:
            key.noted.digit = mask

    async def take(self, limit: float) -> str | None:
        """Wait for the next key, at most `limit` seconds; None where none came."""
        try:
            await asyncio.wait_for(self.arrived(), limit)
        except TimeoutError:
            return None
        return self._keys.popleft().digit
