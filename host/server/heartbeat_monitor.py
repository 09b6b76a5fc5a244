"""Watches over the processes of calls: hears when one is gone, and kills one that is blocked.

Each call keeps a socket open to this process and says twice a second that its loop still turns; see
`host.runner.heartbeat`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from host.base.tasks import Tasks
from host.runner.heartbeat import ADDRESS, BEAT, GOODBYE, OVER

log = logging.getLogger("host")

BLOCKED = 6.0
"""Seconds without a sign of life after which a call's loop is blocked for good."""
JOINING = 10.0
"""Seconds that a process may take to begin a call that was accepted for it."""


@dataclass
class WatchedCall:
    """One call, as its parent knows it."""

    id: str
    room: str
    process: int | None = None
    """None until its process has begun it."""
    since: float = field(default_factory=lambda: _now())
    """When it last gave a sign of life."""
    over: bool = False
    """Whether it came to its end by itself."""
    writer: asyncio.StreamWriter | None = None


class HeartbeatMonitor:
    """The parent's side: which calls live, and what to do when one is lost."""

    def __init__(self, lost: Callable[[WatchedCall], Awaitable[None]]) -> None:
        self._lost = lost
        self._calls: dict[str, WatchedCall] = {}
        self._losing = Tasks()
        self._moved = asyncio.Event()
        self.closed = False
        """Whether new calls are refused: the host is stopping."""

    def __contains__(self, call: object) -> bool:
        """Tell whether a call lives, or is being looked after because its process died."""
        return call in self._calls

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def rooms(self) -> set[str]:
        """The names of the rooms in which calls live."""
        return {live.room for live in self._calls.values()}

    def expect(self, call: str, room: str) -> None:
        """Say that a call was accepted, and that a process must begin it soon."""
        self._calls.setdefault(call, WatchedCall(call, room))

    def forget(self, call: str) -> None:
        """Say that a call which was expected will not come."""
        if live := self._calls.get(call):
            self._forget(live)

    def goodbye(self) -> None:
        """Tell every live call to say goodbye and end."""
        for live in self._calls.values():
            if live.writer is not None:
                with contextlib.suppress(OSError, RuntimeError):
                    live.writer.write(GOODBYE)

    async def all_over(self, limit: float) -> bool:
        """Wait until no call lives, at most `limit` seconds; False where some still do."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while self._calls:
                    self._moved.clear()
                    await self._moved.wait()
        return not self._calls

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[HeartbeatMonitor]:
        """Listen at an address that processes started from now on inherit."""
        folder = Path(tempfile.mkdtemp(prefix="host-"))  # its owner's only, and short enough
        address = str(folder / "calls")
        server = await asyncio.start_unix_server(self._hear, address)
        os.environ[ADDRESS] = address
        watching = asyncio.create_task(self._watch())
        try:
            yield self
        finally:
            watching.cancel()
            os.environ.pop(ADDRESS, None)
            server.close()
            self._losing.cancel()
            shutil.rmtree(folder, ignore_errors=True)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hear one process out: who it is, its signs of life, and its end."""
        live: WatchedCall | None = None
        try:
            if first := await reader.readline():
                live = self._begun(json.loads(first), writer)
                while said := await reader.readline():
                    live.since = _now()
                    if said == OVER:
                        live.over = True
        except (ConnectionError, ValueError):
            pass  # its process was killed, or it is none of ours
        finally:
            with contextlib.suppress(Exception):
                writer.close()
        if live is not None and self._calls.get(live.id) is live:
            if live.over:
                self._forget(live)
            else:
                self._lose(live)

    def _begun(self, who: dict[str, str], writer: asyncio.StreamWriter) -> WatchedCall:
        live = WatchedCall(who["call"], who["room"], int(who["process"]), writer=writer)
        # A call that was lost before is somebody else's now.
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
        self._moved.set()

    async def _watch(self) -> None:
        """Find calls that never began, and kill processes whose loop is blocked."""
        while True:
            before = _now()
            await asyncio.sleep(BEAT)
            late = _now() - before - BEAT
            for live in list(self._calls.values()):
                live.since += late  # as long as we ourselves could hear nothing
                silent = _now() - live.since
                if live.process is None and not live.over and silent > JOINING:
                    log.error("no process started the call in room %s", live.room)
                    live.over = True  # once is enough
                    self._lose(live)
                elif live.writer is not None and silent > BLOCKED:
                    log.error("killing the blocked process of the call in room %s", live.room)
                    live.since = _now()
                    _kill(live.process)

    def joined(self, call: str) -> bool:
        """Tell whether a process has begun a call and lives."""
        live = self._calls.get(call)
        return live is not None and live.writer is not None

    async def joins(self, call: str, limit: float) -> bool:
        """Wait until a process has begun a call, at most `limit` seconds."""
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
