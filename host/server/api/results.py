"""What the processes of calls have stored of their requests: whether one has it, and its result."""

from __future__ import annotations

import contextlib
import sqlite3

from host.dispatch.idempotency import Request, Requests
from host.dispatch.place import CallResult
from host.records.outcome import Outcome
from host.server.api.schemas import AskedCall
from host.server.api.status import ended


class Results:
    """The results of this host's calls, by the keys of their requests."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def request(self, key: str) -> Request | None:
        """Return the request, as its call has stored it; None if that can't be read either."""
        with contextlib.suppress(OSError, sqlite3.Error):  # LiveKit may know the result
            return self._requests.find(key)
        return None

    def as_written(self, over: AskedCall, key: str) -> AskedCall:
        """Return a call that is over as its own process wrote it, if that differs."""
        result = written(self.request(key), over.room)
        return ended(over, result) if result and result.outcome is not over.outcome else over


def is_live(request: Request | None) -> bool:
    """Return whether a call of this host has the request and has not ended."""
    return request is not None and request.outcome is None


def written(request: Request | None, room: str) -> CallResult | None:
    """Return the stored result of a call; None if there is none."""
    if request is None or request.outcome is None:
        return None
    outcome = Outcome(request.outcome)
    return CallResult(outcome, request.reason or "", room, retryable=outcome.retryable())
