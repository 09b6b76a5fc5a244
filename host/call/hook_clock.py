"""Limits the time of an event hook. The clock stops while the hook acts on the call.

A transfer may ring for half a minute, and a prompt waits for the caller's keys: cutting them off
would leave the caller between two parties, or in the middle of a sentence.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_clock: ContextVar[HookClock | None] = ContextVar("hook_clock", default=None)
"""The clock of the hook that the current task runs for; tasks that it starts inherit it."""


class HookClock:
    """Measures the seconds that one hook takes for itself."""

    def __init__(self, seconds: float) -> None:
        self._left, self._actions, self._since = seconds, 0, 0.0
        self._timeout: asyncio.Timeout | None = None

    async def limit(self, hook: Coroutine[Any, Any, T]) -> T:
        """Run a hook. Raises TimeoutError once its own time is used up."""
        token = _clock.set(self)
        try:
            self._since = asyncio.get_running_loop().time()
            async with asyncio.timeout_at(self._since + self._left) as self._timeout:
                return await hook
        finally:
            self._timeout = None
            _clock.reset(token)

    def stop(self) -> None:
        """Stop while an action runs; actions may overlap."""
        self._actions += 1
        if self._actions == 1 and self._running:
            self._left -= asyncio.get_running_loop().time() - self._since
            self._reschedule(None)

    def resume(self) -> None:
        """Continue once no action runs."""
        self._actions -= 1
        if not self._actions and self._running:
            self._since = asyncio.get_running_loop().time()
            self._reschedule(self._since + self._left)

    @property
    def _running(self) -> bool:
        """False before and after the hook: an action that it has started may outlast it."""
        return self._timeout is not None and not self._timeout.expired()

    def _reschedule(self, when: float | None) -> None:
        assert self._timeout is not None
        self._timeout.reschedule(when)


def action(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Make a method an action: an event hook's limit does not include it."""

    @functools.wraps(method)
    async def untimed(*args: P.args, **kwargs: P.kwargs) -> T:
        clock = _clock.get()
        if clock is None:
            return await method(*args, **kwargs)
        clock.stop()
        try:
            return await method(*args, **kwargs)
        finally:
            clock.resume()

    return untimed
