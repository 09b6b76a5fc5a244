"""Sends heartbeats to the parent, and detects that the parent is gone.

Each call keeps a Unix socket open to the parent and writes to it twice a second while its event
loop runs: see `host.server.heartbeat_monitor`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable

ADDRESS = "HOST_HEARTBEAT"
"""Environment variable with the path of the parent's socket."""
BEAT = 0.5
"""Seconds between heartbeats."""
GREETED, LEFT, OVER, GOODBYE = b"greeted\n", b"left\n", b"over\n", b"goodbye\n"
"""Messages of a call that has greeted, has left its room, or has ended, and of the parent to a call
that must end."""
KNOCK, ALIVE = b"knock\n", b"alive\n"
"""Messages of who asks whether the parent lives, and of a parent that does."""
ANSWER_LIMIT = 1.0
"""Seconds that the parent may take to answer; one that is only blocked is not gone."""


class Heartbeat:
    """The call's end of the heartbeat connection."""

    def __init__(self, call: str, room: str) -> None:
        self._call, self._room = call, room
        self._writer: asyncio.StreamWriter | None = None

    async def hold(self, goodbye: Callable[[], None], orphaned: Callable[[], None]) -> None:
        """Send heartbeats until cancelled; call back on a goodbye and when the parent is gone."""
        address = os.environ.get(ADDRESS)
        if not address:
            return  # no parent: a text chat or a test
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
                if said == GOODBYE:
                    goodbye()
            orphaned()
        except ConnectionError:
            orphaned()
        finally:
            beating.cancel()

    @property
    def orphaned(self) -> bool:
        """Whether the parent is gone. Synchronous, for use while the process is shutting down.

        Linux closes the sockets of a dying process one by one, the latest first: the parent's may
        still take a connection when LiveKit's to this process is closed already. So it must answer.
        """
        address = os.environ.get(ADDRESS)
        if not address:
            return False
        with socket.socket(socket.AF_UNIX) as knock:
            knock.settimeout(ANSWER_LIMIT)
            try:
                knock.connect(address)
                knock.sendall(KNOCK)
                return not knock.recv(len(ALIVE))
            except TimeoutError:
                return False
            except OSError:
                return True

    def greeted(self) -> None:
        """Report that the greeting is over: other processes may have the CPU."""
        self._tell(GREETED)

    def left(self) -> None:
        """Report that the call has left its room, where another one may begin."""
        self._tell(LEFT)

    def _tell(self, message: bytes) -> None:
        if self._writer is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._writer.write(message)

    async def over(self) -> None:
        """Report that the call has ended properly and needs no recovery."""
        if self._writer is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._writer.write(OVER)
                await asyncio.wait_for(self._writer.drain(), 1)
                self._writer.close()

    async def _beat(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            while True:
                writer.write(b"\n")
                await writer.drain()
                await asyncio.sleep(BEAT)
