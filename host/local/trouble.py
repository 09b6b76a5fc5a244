"""How a stand-in for a provider misbehaves, so that a test can see what a call makes of it."""

from __future__ import annotations

import asyncio
from enum import StrEnum


class Trouble(StrEnum):
    """What is wrong with a provider."""

    HANG = "hang"
    """It takes what it is given, and never answers."""
    STALL = "stall"
    """It begins to answer, and never goes on."""
    CLOSE = "close"
    """It begins to answer, and closes the connection."""
    GARBAGE = "garbage"
    """It answers what is no answer."""
    BROKEN = "broken"
    """HTTP status 500."""
    BUSY = "busy"
    """HTTP status 429."""

    @property
    def status(self) -> int | None:
        """The HTTP status with which a request is refused; None where it is taken."""
        return {Trouble.BROKEN: 500, Trouble.BUSY: 429}.get(self)


class Troubles:
    """Which models of a provider are in trouble: each call of a test may have its own model."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[Trouble, int | None]] = {}

    def set(self, model: str, trouble: Trouble, *, times: int | None = None) -> None:
        """Let a model misbehave, `times` times, or until it is mended."""
        self._of[model] = (trouble, times)

    def mend(self, model: str) -> None:
        """Let a model do its work again."""
        self._of.pop(model, None)

    def meet(self, model: str) -> Trouble | None:
        """Return what is wrong with a model this time."""
        trouble, times = self._of.get(model, (None, None))
        if times is not None and trouble is not None:
            if times == 0:
                return None
            self._of[model] = (trouble, times - 1)
        return trouble


async def for_ever() -> None:
    """Wait until whoever waits for an answer gives up."""
    await asyncio.Event().wait()
