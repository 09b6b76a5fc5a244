"""A virtual clock: an event loop in which waiting takes no time.

When nothing is ready to run, the loop moves its clock to the next timer instead of sleeping. Work
in threads (`asyncio.to_thread`, `run_in_executor`) is waited for in real time, and the clock stands
still meanwhile: also for the thread, which must not wait for a time of day. Threads that are
started in another way are not waited for. What the system keeps, as the times of files, is real.
"""

from __future__ import annotations

import asyncio
import logging
import selectors
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

import pytest
import time_machine

log = logging.getLogger("in_memory")

STARTED = 1000.0
"""The loop's time when it starts, in seconds."""
EPOCH = 1_800_000_000.0
"""What `time.time()` is when the loop's time is 0: a Friday morning of January 2027."""
TURN = 1e-6
"""Seconds that one turn of the loop takes: whoever waits for a tiny rest of time gets on."""
STEP = 1e-3
"""Seconds that Python's clocks may be behind the loop's."""
GLANCE = 0.05
"""Real seconds between two looks at a thread that works."""


_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class NothingLeftToWaitFor(RuntimeError):
    """Every task waits for something that will never happen: the test would hang."""


class _Selector(selectors.DefaultSelector):
    """Moves the loop's clock instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: VirtualClockLoop | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert self.loop is not None
        if timeout is not None and timeout <= 0:
            self.loop.advance(TURN)
            # Threads and sockets are heard at the latest when nothing else is to be done.
            return super().select(0) if self.loop.threads else []
        if self.loop.threads:
            return super().select(GLANCE if timeout is None else min(timeout, GLANCE))
        if ready := super().select(0):
            return ready
        if timeout is None:
            raise NothingLeftToWaitFor(f"no timer, no thread; these wait: {_waiting(self.loop)}")
        self.loop.advance(timeout)
        return []


def _waiting(loop: asyncio.AbstractEventLoop) -> str:
    """Where each task waits."""
    frames = [frame for task in asyncio.all_tasks(loop) for frame in task.get_stack(limit=1)]
    return ", ".join(f"{frame.f_code.co_qualname}, line {frame.f_lineno}" for frame in frames)


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An asyncio loop with a clock of its own, `now`, in seconds."""

    def __init__(self) -> None:
        selector = _Selector()
        selector.loop = self
        self.now = STARTED
        self.threads = 0
        """How many threads of an executor work for this loop."""
        super().__init__(selector)
        self._thread = threading.get_ident()
        self.set_exception_handler(_tell)
        self.on_advance: Callable[[float], None] = lambda seconds: None
        self._behind = 0.0

    def time(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the clock. Python's own follow it in steps of STEP or more, as each takes time."""
        self.now += seconds
        self._behind += seconds
        if self._behind >= STEP:
            behind, self._behind = self._behind, 0.0
            self.on_advance(behind)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        self.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_is_done)
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        self.threads += 1
        try:
            await super().shutdown_default_executor(*args)
        finally:
            self.threads -= 1

    def call_soon_threadsafe(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        if threading.get_ident() == self._thread:
            return self.call_soon(callback, *args, context=context)
        return super().call_soon_threadsafe(callback, *args, context=context)

    def _thread_is_done(self, _: asyncio.Future[Any]) -> None:
        self.threads -= 1


def _tell(_: asyncio.AbstractEventLoop, what: dict[str, Any]) -> None:
    """Tell of an error that nobody has looked at, in one line.

    It is often found when garbage is collected, which may be while code is parsed. A traceback
    would have Python parse code, too, and the parser of CPython 3.11 can't do both at once.
    """
    log.error("%s: %s", what["message"], what.get("exception") or what.get("future"))


@contextmanager
def virtual_time(loop: VirtualClockLoop) -> Iterator[None]:
    """Let all clocks of Python follow the loop's until the end of the block.

    LiveKit's session measures speech and pauses with them, and the host its calls.
    """
    clocks: dict[str, Callable[[], float]] = {
        "monotonic": lambda: loop.now,
        "perf_counter": lambda: loop.now,
        "monotonic_ns": lambda: round(loop.now * 1e9),
        "perf_counter_ns": lambda: round(loop.now * 1e9),
    }
    with (
        pytest.MonkeyPatch.context() as patch,
        time_machine.travel(EPOCH + loop.now, tick=False) as traveller,
    ):
        for name, clock in clocks.items():
            patch.setattr(time, name, clock)
        loop.on_advance = traveller.shift
        yield
