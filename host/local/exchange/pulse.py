"""Waiting for something to become true, always with a limit."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Pulse:
    """Wakes everyone who waits for a call to change: a key, a word, a status, 100 ms of sound."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def beat(self) -> None:
        """Say that something has changed."""
        self._next.set()
        self._next = asyncio.Event()

    async def until(self, what: Callable[[], T], limit: float | None, wish: str) -> T:
        """Give the first true value of `what`; raise TimeoutError, which names the wish, after
        `limit` seconds."""
        try:
            async with asyncio.timeout(limit):
                while not (value := what()):
                    await self._next.wait()
                return value
        except TimeoutError:
            raise TimeoutError(f"waited {limit:g} s in vain for {wish}") from None
