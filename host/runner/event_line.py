"""The connection over which a call's process tells the parent what happens in the call.

It may lose events, and never delays a call: see `host.server.events`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from host.base.clock import now

ADDRESS = "_HOST_EVENTS"
"""Environment variable with the path of the parent's socket. Inherited, not a setting."""
LONGEST = 60_000
"""Maximum size of an event in bytes: a line of the parent's StreamReader has at most 64 KiB."""
WAITING = 100
"""Maximum number of events that wait for the connection."""
UNREAD = 256 * 1024
"""Bytes that the parent may leave unread; further events are lost."""
LIMIT = 1.0
"""Seconds that the parent may take to accept the connection, or to read the last events."""
MISSED = "events.missed"
"""Type of the event that tells how many were lost."""
CHANGED = "call.changed"
"""Type of the line that tells that the call's checkpoint is new. It is for the parent alone."""


class EventLine:
    """The call's end of the connection. Without a parent, it does nothing."""

    def __init__(self, call: str) -> None:
        self._call, self._address = call, os.environ.get(ADDRESS)
        self._writer: asyncio.StreamWriter | None = None
        self._waiting = deque[bytes]()
        self._missed, self._changed = 0, False

    async def connect(self) -> None:
        """Connect to the parent; what was told before is sent then."""
        if not self._address:
            return  # a text chat or a test
        try:
            opening = asyncio.open_unix_connection(self._address)
            _, self._writer = await asyncio.wait_for(opening, LIMIT)
        except (OSError, TimeoutError):
            self._address = None
            self._waiting.clear()
            return
        while self._waiting:
            self._write(self._waiting.popleft())
        if self._changed:
            self.tell_change()

    def tell_change(self) -> None:
        """Tell that the call's checkpoint is new, unless the parent has left too much unread."""
        self._changed = self._writer is None
        if self._writer is not None and not self._writer.is_closing() and not self._is_behind:
            self._writer.write(_line(CHANGED, now(), {"id": self._call}))

    def tell(self, type: str, at: datetime, data: Mapping[str, Any]) -> None:
        """Send an event, unless the parent has left too many unread."""
        if not self._address:
            return
        line = _line(type, at, data)
        if len(line) > LONGEST:
            self._missed += 1
        elif self._writer is not None:
            self._write(line)
        elif len(self._waiting) < WAITING:
            self._waiting.append(line)
        else:
            self._missed += 1

    def _write(self, line: bytes) -> None:
        writer = self._writer
        assert writer is not None
        if writer.is_closing():  # the parent is gone
            return
        if self._is_behind:
            self._missed += 1
            return
        if self._missed:
            missed, self._missed = self._missed, 0
            writer.write(_line(MISSED, now(), {"id": self._call, "events": missed}))
        writer.write(line)

    @property
    def _is_behind(self) -> bool:
        writer = self._writer
        return writer is not None and writer.transport.get_write_buffer_size() > UNREAD

    async def close(self) -> None:
        """Close the connection after everything is sent."""
        if self._waiting and self._writer is None:  # of a call that is over at once
            await self.connect()
        if self._writer is not None:
            with contextlib.suppress(OSError, RuntimeError, TimeoutError):
                self._writer.close()
                await asyncio.wait_for(self._writer.wait_closed(), LIMIT)


def _line(type: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    event = {"type": type, "timestamp": at.isoformat(), "data": data}
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace") + b"\n"
