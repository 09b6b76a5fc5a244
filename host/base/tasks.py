"""Work that runs beside something else, and ends with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("host")


class Tasks:
    """Tasks that nobody awaits. One that fails is logged."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        """Do something; `what` names it in the log if it fails."""
        task = asyncio.create_task(work, name=what)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def cancel(self) -> None:
        """Stop all that runs."""
        for task in list(self._running):
            task.cancel()

    async def finish(self, limit: float) -> None:
        """Let all that runs come to its end within `limit` seconds; stop the rest."""
        if self._running:
            await asyncio.wait(self._running, timeout=limit)
        self.cancel()

    async def stop(self, limit: float) -> None:
        """Stop all that runs, and wait until it has, at most `limit` seconds."""
        self.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=limit)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s failed", task.get_name(), exc_info=error)
