"""Buffers the far end's keys until a question reads them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from host.records.record import KeyPress

TYPED_AHEAD = 15.0
"""Seconds for which a key typed ahead counts for the next question."""
LATE = 2.0
"""Seconds in which a terminator may still follow a number that is complete without it."""


@dataclass(frozen=True)
class Pressed:
    """One key press, or a digit that was said instead."""

    digit: str
    noted: KeyPress | None = None
    """The key press in the call's record; None for a digit that was said."""
    at: float = field(default_factory=lambda: time.monotonic())  # looked up at each press


class Typed:
    """A queue of key presses, oldest first."""

    def __init__(self) -> None:
        self._keys: deque[Pressed] = deque()
        self._arrived = asyncio.Event()
        self._late = ("", 0.0)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def add(self, key: Pressed) -> None:
        """Append a key; drop the late terminator of a number that is already complete."""
        digit, until = self._late
        self._late = ("", 0.0)
        if key.digit == digit and key.at < until:
            return
        self._keys.append(key)
        self._arrived.set()

    def clear(self) -> None:
        """Discard all unread keys."""
        self._keys.clear()

    def forget_old(self) -> None:
        """Discard unread keys older than TYPED_AHEAD."""
        while self._keys and self._keys[0].at < time.monotonic() - TYPED_AHEAD:
            self._keys.popleft()

    def expect_late(self, digit: str) -> None:
        """Drop this terminator if it is next in the queue or arrives within LATE seconds."""
        if self._keys and self._keys[0].digit == digit:
            self._keys.popleft()
        elif not self._keys:
            self._late = (digit, time.monotonic() + LATE)

    async def arrived(self) -> None:
        """Wait until a key is in the queue."""
        while not self._keys:
            self._arrived.clear()
            await self._arrived.wait()

    def drop_spoken(self) -> bool:
        """Discard unread digits that were said; return whether there were any."""
        before = len(self._keys)
        self._keys = deque(key for key in self._keys if key.noted)
        return len(self._keys) < before

    def mask(self, mask: str) -> None:
        """Mask the unread keys in the record."""
        for key in self._keys:
            if key.noted:
                key.noted.digit = mask

    async def take(self, limit: float) -> str | None:
        """Wait up to `limit` seconds for the next key; None on timeout."""
        try:
            await asyncio.wait_for(self.arrived(), limit)
        except TimeoutError:
            return None
        return self._keys.popleft().digit
