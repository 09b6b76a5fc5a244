"""Tells the parent that this call's process lives, and hears at once when the parent is gone.

Every call keeps a socket open to the parent and says twice a second that its loop still turns: see
`host.server.heartbeat_monitor`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable

ADDRESS = "HOST_HEARTBEAT"
"""The environment variable that tells a call's process where its parent listens."""
BEAT = 0.5
"""Seconds between two signs of life of a call."""
OVER, GOODBYE = b"over\n", b"goodbye\n"
"""What a call says when it has come to its end, and its parent when the call must."""


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
                if said == GOODBYE:
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
                self._writer.write(OVER)
                await asyncio.wait_for(self._writer.drain(), 1)
                self._writer.close()

    async def _beat(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            while True:
                writer.write(b"\n")
                await writer.drain()
                await asyncio.sleep(BEAT)
