"""How tests wait: for a line of the log, and beside work that goes on meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest


async def until_logged(
    caplog: pytest.LogCaptureFixture, text: str, times: int = 1, limit: float = 20.0
) -> None:
    """Wait until the log has a text so many times, whichever thread writes it."""
    loop, news = asyncio.get_running_loop(), asyncio.Event()
    hears = _Hears(lambda: loop.call_soon_threadsafe(news.set))
    logging.getLogger().addHandler(hears)  # behind caplog's own, which has the line by then
    try:
        async with asyncio.timeout(limit):
            while caplog.text.count(text) < times:
                news.clear()
                await news.wait()
    finally:
        logging.getLogger().removeHandler(hears)


def logged_by_the_host(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What the host has logged, and not what LiveKit's threads still say of an earlier test."""
    return [record for record in caplog.records if record.name == "host"]


class _Hears(logging.Handler):
    """Tells of each line that is logged."""

    def __init__(self, tell: Callable[[], object]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell()


@contextlib.asynccontextmanager
async def meanwhile(work: Coroutine[Any, Any, object]) -> AsyncIterator[asyncio.Task[object]]:
    """Let work that has no end go on until the end of the block.

    Raises what it failed of, and fails the test where it has come to an end before.
    """
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})
    with pytest.raises(asyncio.CancelledError):
        task.result()
