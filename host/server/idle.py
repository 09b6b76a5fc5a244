"""How many processes wait for calls: as many as have begun together lately.

The process that a call has taken is not replaced while calls begin: to start one takes 0.1 s of
CPU, which their first words would wait for.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from livekit.agents import AgentServer

REMEMBERED = 600.0
"""Seconds for which as many processes are kept as calls have begun together."""
MOST = 8
"""Processes that wait at most, each of which takes memory."""


class IdleProcesses:
    """How many processes wait for calls: at least `number`, less those of calls that are beginning.

    More than that are kept only for calls that `max_calls()` leaves room for. One is kept in any
    case, and LiveKit starts more for calls that wait for a process. What waits is never ended: the
    next calls take it.
    """

    def __init__(self, server: AgentServer, number: int, max_calls: Callable[[], int]) -> None:
        self._server, self._number, self._max_calls = server, number, max_calls
        self._together: list[tuple[float, int]] = []
        """When so many calls were beginning; only those which no later number exceeds."""

    def follow(self, live: int, beginning: int) -> None:
        """Be told that so many calls are live now, and that so many of them are beginning."""
        room_for = self._max_calls() - live
        wanted = max(self._number, min(MOST, self._most_together(beginning), room_for))
        # Private (livekit-agents 1.8.9): the server offers no way to its pool, and sets this number
        # itself only below a finite `load_threshold`; the pool never keeps more than its default.
        pool = getattr(self._server, "_proc_pool", None)
        if pool is not None:  # it is running
            pool._default_num_idle_processes = wanted
            pool.set_target_idle_processes(max(1, wanted - beginning))

    def _most_together(self, beginning: int) -> int:
        """Return how many calls have begun together in the time that is remembered."""
        now = _now()
        known = [(at, calls) for at, calls in self._together if at >= now - REMEMBERED]
        self._together = [*(each for each in known if each[1] > beginning), (now, beginning)]
        return self._together[0][1]


def _now() -> float:
    return time.monotonic()
