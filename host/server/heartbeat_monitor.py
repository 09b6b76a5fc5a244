"""Monitors the processes of calls: detects dead ones and kills blocked ones.

Each call keeps a Unix socket open to this process and writes to it twice a second; see
`host.runner.heartbeat`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from host.base.tasks import Tasks
from host.runner.heartbeat import ADDRESS, ALIVE, BEAT, GOODBYE, GREETED, KNOCK, LEFT, OVER
from host.server.socket import inherited_socket

log = logging.getLogger("host")

BLOCKED = 6.0
"""Seconds without a heartbeat after which a call's event loop counts as blocked for good."""
JOINING = 10.0
"""Seconds that a process may take to start an accepted call."""
BEGINNING = 5.0
"""Seconds after which a call no longer counts as beginning, though it has not greeted."""


@dataclass
class WatchedCall:
    """One call, as the parent sees it."""

    id: str
    room: str
    metadata: str = ""
    """The dispatch's metadata; empty once a process has started the call."""
    process: int | None = None
    """None until a process has started the call."""
    since: float = field(default_factory=lambda: _now())
    """Time of the last heartbeat, by the loop's clock."""
    accepted: float = field(default_factory=lambda: _now())
    """When the call was accepted, by the loop's clock."""
    greeted: bool = False
    """Whether the call has reported that its greeting is over."""
    left: bool = False
    """Whether the call has reported that it has left its room."""
    over: bool = False
    """Whether the call has reported its proper end."""
    writer: asyncio.StreamWriter | None = None


class HeartbeatMonitor:
    """The parent's end of the heartbeat connections."""

    def __init__(self, lost: Callable[[WatchedCall], Awaitable[None]]) -> None:
        self._lost = lost
        self._calls: dict[str, WatchedCall] = {}
        self._losing = Tasks()
        self._moved = asyncio.Event()
        self.on_numbers: Callable[[int, int], None] = lambda live, beginning: None
        """Called with the number of live calls, and of those that were just accepted and have not
        greeted yet, when one of them has changed."""
        self._numbers = (0, 0)
        self.closed = False
        """Whether new calls are refused because the host is stopping."""

    def __contains__(self, call: object) -> bool:
        """Return whether a call is live, or in recovery because its process died."""
        return call in self._calls

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def rooms(self) -> set[str]:
        """Names of the rooms of live calls, except those that have left theirs."""
        return {live.room for live in self._calls.values() if not live.left}

    def expect(self, call: str, room: str, metadata: str = "") -> None:
        """Add an accepted call, which a process must start within JOINING seconds."""
        self._calls.setdefault(call, WatchedCall(call, room, metadata))
        self._count()

    def forget(self, call: str) -> None:
        """Remove an expected call that will not start."""
        if live := self._calls.get(call):
            self._forget(live)

    def goodbye(self) -> None:
        """Tell every live call to say goodbye and end."""
        for live in self._calls.values():
            if live.writer is not None:
                with contextlib.suppress(OSError, RuntimeError):
                    live.writer.write(GOODBYE)

    async def all_over(self, limit: float) -> bool:
        """Wait until no call is live, at most `limit` seconds; False on timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while self._calls:
                    self._moved.clear()
                    await self._moved.wait()
        return not self._calls

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[HeartbeatMonitor]:
        """Listen on a socket whose path is inherited by processes started from now on."""
        async with inherited_socket(self._hear, ADDRESS):
            watching = asyncio.create_task(self._watch())
            try:
                yield self
            finally:
                watching.cancel()
                self._losing.cancel()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one process's connection: its first line, heartbeats and end."""
        live: WatchedCall | None = None
        try:
            first = await reader.readline()
            if first == KNOCK:
                writer.write(ALIVE)
            elif first:
                live = self._begun(json.loads(first), writer)
                while said := await reader.readline():
                    live.since = _now()
                    live.left |= said == LEFT
                    live.over |= said == OVER
                    if said == GREETED:
                        live.greeted = True
                        self._count()
        except (ConnectionError, ValueError):
            pass  # the process was killed, or is not a call's
        finally:
            with contextlib.suppress(Exception):
                writer.close()
        if live is not None and self._calls.get(live.id) is live:
            if live.over:
                self._forget(live)
            else:
                self._lose(live)

    def _begun(self, who: dict[str, str], writer: asyncio.StreamWriter) -> WatchedCall:
        live = WatchedCall(who["call"], who["room"], process=int(who["process"]), writer=writer)
        if before := self._calls.get(live.id):
            live.accepted = before.accepted
        # Replaces an entry whose process was lost: the call is taken over.
        self._calls[live.id] = live
        self._moved.set()
        return live

    def _lose(self, live: WatchedCall) -> None:
        async def lose() -> None:
            try:
                await self._lost(live)
            finally:
                self._forget(live)

        live.writer = None
        self._losing.start(lose(), "recovering a lost call")

    def _forget(self, live: WatchedCall) -> None:
        if self._calls.get(live.id) is live:
            del self._calls[live.id]
        self._count()
        self._moved.set()

    def _count(self) -> None:
        since = _now() - BEGINNING
        calls = [live for live in self._calls.values() if live.accepted > since]
        beginning = sum(not live.greeted for live in calls)
        numbers = (len(self._calls), beginning)
        if numbers != self._numbers:
            self._numbers = numbers
            self.on_numbers(*numbers)

    async def _watch(self) -> None:
        """Detect calls that never started, and kill processes whose event loop is blocked."""
        while True:
            before = _now()
            await asyncio.sleep(BEAT)
            late = _now() - before - BEAT
            self._count()
            for live in list(self._calls.values()):
                live.since += late  # time in which this process itself could not read
                silent = _now() - live.since
                if live.process is None and not live.over and silent > JOINING:
                    log.error("no process started the call in room %s", live.room)
                    live.over = True  # report it once
                    self._lose(live)
                elif live.writer is not None and silent > BLOCKED:
                    log.error("killing the blocked process of the call in room %s", live.room)
                    live.since = _now()
                    _kill(live.process)

    def joined(self, call: str) -> bool:
        """Return whether a process has started a call and is alive."""
        live = self._calls.get(call)
        return live is not None and live.writer is not None

    async def joins(self, call: str, limit: float) -> bool:
        """Wait until a process has started a call, at most `limit` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while not self.joined(call):
                    self._moved.clear()
                    await self._moved.wait()
        return self.joined(call)


def _kill(process: int | None) -> None:
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _now() -> float:
    return asyncio.get_running_loop().time()
