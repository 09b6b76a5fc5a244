"""Dispatching a call, which an operator may cancel until a host has taken it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from host.base.errors import HostError
from host.dispatch.place import CallResult
from host.records.outcome import Outcome
from host.records.record import Who

_NOT_TAKEN = "no host took the call"


class Cancelled(Exception):
    """An operator has cancelled the dispatch, for the reason in its text."""


class Dispatching:
    """One dispatch, until it is known whether a host has taken the call."""

    def __init__(self) -> None:
        self._reason = ""
        self._work: asyncio.Task[CallResult] | None = None
        self.settled = asyncio.Event()
        """Set once the request was given up, or a host has it after all."""

    async def result(self, work: Coroutine[Any, Any, CallResult]) -> CallResult:
        """Place the call and wait for its end. Raises Cancelled, and what `place` raises."""
        self._work = asyncio.create_task(work, name="placing a call of the API")
        try:
            if self._reason:
                self._work.cancel()
            return await self._work
        except asyncio.CancelledError:
            if not self._reason or not self._work.done():
                raise  # the host stops
            raise Cancelled(self._reason) from None
        finally:
            self._work.cancel()

    async def cancel(self, reason: str) -> None:
        """Cancel the dispatch, and wait until it is settled what has become of the request."""
        self._reason = reason
        if self._work is not None:
            self._work.cancel()
        await self.settled.wait()


def result_of(error: Exception, room: str) -> tuple[CallResult, Who]:
    """Return what a call comes to that could not be placed, and who ended it."""
    if isinstance(error, HostError):
        return CallResult(Outcome.REFUSED, _NOT_TAKEN, room), "host"
    if isinstance(error, Cancelled):
        return CallResult(Outcome.CANCELLED, str(error), room, retryable=False), "operator"
    return CallResult(Outcome.FAILED, Outcome.FAILED.description, room), "host"
