"""The consultation room: its name, its metadata, and joining it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from livekit import api, rtc
from livekit.agents import JobContext

from host.call.live import LiveCall
from host.dispatch.livekit import token_of
from host.dispatch.rooms import consult_room, delete_room, join

EMPTY_LIMIT = 5
"""Seconds after which LiveKit deletes the room without a telephone, in case the host dies."""
_MARK = "host: consultation"
"""The room's metadata. Without an agent name, LiveKit dispatches a job to the host for it."""


def is_consultation(room: api.Room) -> bool:
    """Return whether a room is a consultation room, which is not a call to answer."""
    return room.metadata == _MARK


@contextlib.asynccontextmanager
async def consultation_room(job: JobContext, call: LiveCall) -> AsyncIterator[rtc.Room]:
    """Create and join a consultation room; delete it at the end, which hangs up everyone."""
    name, room = consult_room(call.state.room), rtc.Room()
    try:
        await job.api.room.create_room(
            api.CreateRoomRequest(
                name=name,
                metadata=_MARK,
                empty_timeout=EMPTY_LIMIT,
                departure_timeout=EMPTY_LIMIT,
            )
        )
        await join(room, call.settings.livekit_url, _token(call, name))
        yield room
    finally:
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(room.disconnect(), 2)
        finally:
            await delete_room(job.api, name)


def _token(call: LiveCall, room: str) -> str:
    return (
        token_of(call.settings)
        .with_identity("host")
        .with_kind("agent")
        .with_grants(api.VideoGrants(room_join=True, room=room))
        .to_jwt()
    )
