"""A far end out of sight: nobody has hung up, it is LiveKit that was lost, and it may come back.

LiveKit that is restarted knows no room any more. Each participant comes back by itself within some
seconds, we among them, and the room is made again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args

from livekit import rtc

NOT_SAID = (None, rtc.DisconnectReason.UNKNOWN_REASON)
"""Why a participant left whom the SDK let go of itself, because LiveKit was lost."""
UNSURE_LIMIT = 1.0
"""Seconds in which the SDK says that LiveKit is lost, once it has let go of everybody."""
BACK_LIMIT = 10.0
"""Seconds that a far end may take to be back, once LiveKit and we are."""
Event = Literal["connection_state_changed", "participant_connected", "disconnected"]
_EVENTS: tuple[Event, ...] = get_args(Event)


async def wait_for_rejoin(room: rtc.Room, identity: str) -> bool:
    """Wait for a participant that is out of sight; False where it has left, or stays away.

    It takes as long as LiveKit is lost, or until the SDK gives it up and the room is closed.
    """
    with _moves(room) as moved:
        if not await _until(moved, lambda: not _stands(room), UNSURE_LIMIT):
            return False  # LiveKit was there all the time
        await _until(moved, lambda: _stands(room) or not room.isconnected(), None)
        return await _until(moved, lambda: identity in room.remote_participants, BACK_LIMIT)


def resubscribe(room: rtc.Room) -> None:
    """Subscribe again to whoever came back before us.

    LiveKit's helper (1.8.9) subscribes when a track is published, and of those who are there
    already when we come back nothing is told.
    """
    for participant in room.remote_participants.values():
        for publication in participant.track_publications.values():
            if publication.kind == rtc.TrackKind.KIND_AUDIO and not publication.subscribed:
                publication.set_subscribed(True)


def _stands(room: rtc.Room) -> bool:
    return room.connection_state == rtc.ConnectionState.CONN_CONNECTED


@contextlib.contextmanager
def _moves(room: rtc.Room) -> Iterator[asyncio.Event]:
    """Be told by an event whenever something has changed in the room."""
    moved = asyncio.Event()

    def move(*facts: Any) -> None:
        moved.set()

    for event in _EVENTS:
        room.on(event, move)
    try:
        yield moved
    finally:
        for event in _EVENTS:
            room.off(event, move)


async def _until(moved: asyncio.Event, holds: Callable[[], bool], limit: float | None) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit):
            while not holds():
                moved.clear()
                await moved.wait()
    return holds()
