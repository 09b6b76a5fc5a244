"""Waits for conditions, always with a limit."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Pulse:
    """Wakes all waiters when a call changes: a key, a word, a status, 100 ms of audio."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def beat(self) -> None:
        """Wake all waiters."""
        self._next.set()
        self._next = asyncio.Event()

    async def until(self, what: Callable[[], T], limit: float | None, wish: str) -> T:
        """Return the first true value of `what`. Raises TimeoutError, which names `wish`."""
        try:
            async with asyncio.timeout(limit):
                while not (value := what()):
                    await self._next.wait()
                return value
        except TimeoutError:
            raise TimeoutError(f"waited {limit:g} s in vain for {wish}") from None
