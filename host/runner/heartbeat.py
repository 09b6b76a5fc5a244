"""A line between the parent and the process of each call: each notices when the other is gone.

Every call keeps a socket open to the parent and says twice a second that its loop still turns. The
parent hears of a killed process at once, and kills one that has stopped turning; a call hears at
once that its parent is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from host.base.tasks import Tasks

log = logging.getLogger("host")

ADDRESS = "HOST_LIFELINE"
"""The environment variable that tells a call's process where its parent listens."""
BEAT = 0.5
"""Seconds between two signs of life of a call."""
BLOCKED = 6.0
"""Seconds without one after which a call's loop is blocked for good."""
JOINING = 10.0
"""Seconds that a process may take to begin a call that was accepted for it."""
_OVER, _GOODBYE = b"over\n", b"goodbye\n"


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
                    live.writer.write(_GOODBYE)

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
                    if said == _OVER:
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
        self._losing.start(lose(), "looking after a lost call")

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
                    log.error("no process has begun the call in room %s", live.room)
                    live.over = True  # once is enough
                    self._lose(live)
                elif live.writer is not None and silent > BLOCKED:
                    log.error("the process of the call in room %s is blocked: killed", live.room)
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


class Heartbeat:
    """A call's side: signs of life to its parent, and word from it."""

    def __init__(self, call: str, room: str) -> None:
        self._call, self._room = call, room
        self._writer: asyncio.StreamWriter | None = None

    async def hold(self, goodbye: Callable[[], None], orphaned: Callable[[], None]) -> None:
        """Give signs of life until cancelled; hear a goodbye, and that the parent is gone."""
        address = os.environ.get(ADDRESS)
        if not address:
            return  # nobody watches over this process: a chat, a test
        try:
            reader, self._writer = await asyncio.open_unix_connection(address)
        except OSError:
            orphaned()
            return
        who = {"call": self._call, "room": self._room, "process": os.getpid()}
        self._writer.write(json.dumps(who).encode() + b"\n")
        beating = asyncio.create_task(self._beat(self._writer))
        try:
            while said := await reader.readline():
                if said == _GOODBYE:
                    goodbye()
            orphaned()
        except ConnectionError:
            orphaned()
        finally:
            beating.cancel()

    @property
    def orphaned(self) -> bool:
        """Whether the parent is gone. Asked in the end, when nobody may wait for anything."""
        address = os.environ.get(ADDRESS)
        if not address:
            return False
        with socket.socket(socket.AF_UNIX) as knock:
            return knock.connect_ex(address) != 0

    async def over(self) -> None:
        """Say that the call came to its end: nobody needs to look after it."""
        if self._writer is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._writer.write(_OVER)
                await asyncio.wait_for(self._writer.drain(), 1)
                self._writer.close()

    async def _beat(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            while True:
                writer.write(b"\n")
                await writer.drain()
                await asyncio.sleep(BEAT)


def _kill(process: int | None) -> None:
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _now() -> float:
    return asyncio.get_running_loop().time()
