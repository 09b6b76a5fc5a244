"""Faults of a local provider server, to test how a call handles them."""

from __future__ import annotations

import asyncio
from enum import StrEnum


class Trouble(StrEnum):
    """A fault of a provider."""

    HANG = "hang"
    """It accepts a request and never answers."""
    STALL = "stall"
    """It starts to answer and never continues."""
    CLOSE = "close"
    """It starts to answer and closes the connection."""
    GARBAGE = "garbage"
    """It answers with invalid data."""
    BROKEN = "broken"
    """HTTP status 500."""
    BUSY = "busy"
    """HTTP status 429."""

    @property
    def status(self) -> int | None:
        """HTTP status with which a request fails; None if it is accepted."""
        return {Trouble.BROKEN: 500, Trouble.BUSY: 429}.get(self)


class Troubles:
    """Faults of a provider by model, so that each call of a test may have its own."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[Trouble, int | None]] = {}

    def set(self, model: str, trouble: Trouble, *, times: int | None = None) -> None:
        """Inject a fault, `times` times or until `mend`."""
        self._of[model] = (trouble, times)

    def mend(self, model: str) -> None:
        """Remove a model's fault."""
        self._of.pop(model, None)

    def meet(self, model: str) -> Trouble | None:
        """Return a model's fault for this request; None if it has none."""
        trouble, times = self._of.get(model, (None, None))
        if times is not None and trouble is not None:
            if times == 0:
                return None
            self._of[model] = (trouble, times - 1)
        return trouble


async def for_ever() -> None:
    """Wait until cancelled."""
    await asyncio.Event().wait()
