"""Tells who looks at live calls that something in them has changed, and keeps nothing of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator


class Watcher:
    """Somebody who looks at one call, or at all."""

    def __init__(self, changes: Changes, call: str | None, of: str) -> None:
        self.call, self.of = call, of
        self._changes, self._changed = changes, asyncio.Event()

    def tell(self) -> None:
        """Note a change."""
        self._changed.set()

    @property
    def closed(self) -> bool:
        """Whether the host stops."""
        return self._changes.closed.is_set()

    async def changed(self, rest: float, idle: float) -> None:
        """Return at the next change, but not within `rest` seconds, nor after `idle` more.

        It returns at once when the host stops.
        """
        await _at_most(rest, self._changes.closed)
        await _at_most(idle, self._changed)
        self._changed.clear()


class Changes:
    """What has changed in the live calls of this host, as their checkpoints have it."""

    def __init__(self) -> None:
        self._watchers = set[Watcher]()
        self.closed = asyncio.Event()
        self.number = 0
        """How often something has changed: what was read before is old."""

    def tell(self, call: str | None = None) -> None:
        """Tell of a change in a call; without one, in what anybody may see."""
        self.number += 1
        for watcher in self._watchers:
            if call is None or watcher.call in (None, call):
                watcher.tell()

    def close(self) -> None:
        """Let all watchers come to an end."""
        self.closed.set()
        self.tell()

    def count(self, of: str | None = None) -> int:
        """Return how many watch, or how many of one person's."""
        return sum(of in (None, watcher.of) for watcher in self._watchers)

    @contextlib.contextmanager
    def watched(self, call: str | None, of: str) -> Iterator[Watcher]:
        """Have a watcher of a call, or of all, inside the block. `of` names whose it is."""
        watcher = Watcher(self, call, of)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)


async def _at_most(seconds: float, event: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
