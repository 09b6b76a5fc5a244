"""The trace of one call, from its start to the export."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from livekit.agents import telemetry
from opentelemetry import context
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context

from .provider import Collector, make_provider
from .stages import attributes_of, draw, nanoseconds

LIMIT = 1.0
"""Seconds that the end of a call may wait for the collector."""


class Trace:
    """The trace of one call."""

    def __init__(self, endpoint: str, call: str) -> None:
        self._collector = Collector(endpoint, LIMIT)
        self._provider = make_provider(self._collector, call)
        self._tracer = self._provider.get_tracer("host")
        self._root: Span | None = None

    def _start(self, begun: datetime) -> Span:
        if self._root is None:
            no_parent = context.Context()
            self._root = self._tracer.start_span(
                "call", context=no_parent, start_time=nanoseconds(begun)
            )
        return self._root

    def take_along_livekit(self, begun: datetime) -> None:
        """Make LiveKit's spans of this task and its children part of the trace.

        `allow_pii=False` keeps speech and the far end's number out of them.
        """
        telemetry.set_tracer_provider(self._provider, allow_pii=False)
        context.attach(set_span_in_context(self._start(begun)))

    async def end(self, record: Any) -> None:
        """Create the spans of the stages and export what remains."""
        root = self._start(record.dispatched_at)
        root.set_attributes(attributes_of(record))
        ended = datetime.now(UTC)
        draw(self._tracer, set_span_in_context(root), record, ended)
        if record.outcome.value == "failed":
            root.set_status(Status(StatusCode.ERROR))
        root.end(nanoseconds(ended))
        if not await _within(LIMIT, self._provider.shutdown):
            self._collector.warn(f"it took longer than {LIMIT:g} s")


async def _within(limit: float, work: Callable[[], object]) -> bool:
    """Run blocking work in a thread; False if it takes longer than `limit` seconds.

    The thread is a daemon: one of the loop's executor would keep the process from exiting.
    """
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def run() -> None:
        try:
            work()
        finally:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name="sending the trace", daemon=True).start()
    try:
        await asyncio.wait_for(done.wait(), limit)
    except TimeoutError:
        return False
    return True
