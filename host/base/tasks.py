"""Background tasks with an owner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("host")


class Tasks:
    """Background tasks. A failure is logged."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        """Start a task; `what` names it in the log."""
        task = asyncio.create_task(work, name=what)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def cancel(self) -> None:
        """Cancel all tasks."""
        for task in list(self._running):
            task.cancel()

    async def finish(self, limit: float) -> None:
        """Wait for all tasks, at most `limit` seconds; cancel the rest."""
        if self._running:
            await asyncio.wait(self._running, timeout=limit)
        self.cancel()

    async def stop(self, limit: float) -> None:
        """Cancel all tasks and wait for them, at most `limit` seconds."""
        self.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=limit)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s failed", task.get_name(), exc_info=error)
