"""Receives what calls' processes tell of their calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Literal

from pydantic import BaseModel, ValidationError

from host.runner.event_line import ADDRESS, CHANGED
from host.server.events.changes import Changes
from host.server.events.stream import EventStream
from host.server.socket import inherited_socket

EventType = Literal[
    "call.started",
    "call.status",
    "call.answered",
    "call.transcript",
    "call.tool_started",
    "call.tool_ended",
    "call.handed_over",
    "call.operator_began",
    "call.operator_ended",
    "call.recording_discarded",
    "call.ended",
    "events.missed",
]


ENDED = "call.ended"


class _Data(BaseModel):
    id: str


class _Told(BaseModel):
    type: EventType | Literal["call.changed"]
    timestamp: datetime
    data: _Data


@asynccontextmanager
async def receiving(
    stream: EventStream | None, changes: Changes | None = None
) -> AsyncIterator[None]:
    """Publish what calls tell, inside the block. Processes started there inherit the address.

    `stream` gets the events, `changes` only learns that there is something new.
    """
    async with inherited_socket(partial(_hear, stream, changes), ADDRESS):
        yield


async def _hear(
    stream: EventStream | None,
    changes: Changes | None,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Read one process's connection. What is no event is skipped."""
    try:
        while line := await reader.readline():
            try:
                told = _Told.model_validate_json(line)
            except ValidationError:
                continue
            if changes and told.type in (CHANGED, ENDED):
                changes.tell(told.data.id)
            if stream and told.type != CHANGED:
                stream.publish(told.type, told.data.id, line.decode().rstrip())
    except (ConnectionError, ValueError):
        pass  # the process was killed, or the line is too long
    finally:
        writer.close()
