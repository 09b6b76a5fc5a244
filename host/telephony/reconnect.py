"""Waits for a far end that disappears because the connection to LiveKit is lost.

A restarted LiveKit server has no rooms. Each participant, the agent included, rejoins by itself
within seconds, which creates the room again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args

from livekit import rtc

log = logging.getLogger("host")

NOT_SAID = (None, rtc.DisconnectReason.UNKNOWN_REASON)
"""Disconnect reasons of participants that the SDK drops because it lost the connection."""
UNSURE_LIMIT = 1.0
"""Seconds in which the SDK reports a lost connection after it has dropped the participants."""
BACK_LIMIT = 10.0
"""Seconds that the far end may take to rejoin once the agent has."""
ATTEMPTS = 5
"""How often the far end's audio is subscribed to."""
TRACK_LIMIT = 2.0
"""Seconds that a track may take to arrive."""
PAUSE = 0.3
"""Seconds between unsubscribing and subscribing: the server may merge requests without a pause."""
Event = Literal["connection_state_changed", "participant_connected", "disconnected"]
_EVENTS: tuple[Event, ...] = get_args(Event)


async def wait_for_rejoin(room: rtc.Room, identity: str) -> bool:
    """Wait for a dropped participant; False if it has left, or does not rejoin in time.

    Waits as long as the connection is lost, or until the SDK gives up and the room is closed.
    """
    with _moves(room) as moved:
        if not await _until(moved, lambda: not _stands(room), UNSURE_LIMIT):
            return False  # the connection was never lost
        await _until(moved, lambda: _stands(room) or not room.isconnected(), None)
        return await _until(moved, lambda: identity in room.remote_participants, BACK_LIMIT)


async def resubscribe(room: rtc.Room) -> None:
    """Subscribe to the audio of participants that rejoined before the agent, until it is there.

    LiveKit's helper (1.8.9) subscribes on "track_published", which is not emitted for participants
    that are already in the room. The server may lose a subscription while it restores a session;
    then the far end would not be heard any more.
    """
    for attempt in range(ATTEMPTS):
        missing = _without_track(room)
        if attempt and not missing:
            return
        if attempt:
            for publication in missing:
                publication.set_subscribed(False)  # the same request again would change nothing
            await asyncio.sleep(PAUSE)
            missing = [publication for publication in missing if publication.track is None]
        for publication in missing:
            publication.set_subscribed(True)
        await asyncio.sleep(TRACK_LIMIT)
    if _without_track(room):
        log.error("the far end's audio is not back after the reconnection")


def _without_track(room: rtc.Room) -> list[rtc.RemoteTrackPublication]:
    return [publication for publication in _audio_in(room) if publication.track is None]


def _audio_in(room: rtc.Room) -> list[rtc.RemoteTrackPublication]:
    return [
        publication
        for participant in room.remote_participants.values()
        for publication in participant.track_publications.values()
        if publication.kind == rtc.TrackKind.KIND_AUDIO
    ]


def _stands(room: rtc.Room) -> bool:
    return room.connection_state == rtc.ConnectionState.CONN_CONNECTED


@contextlib.contextmanager
def _moves(room: rtc.Room) -> Iterator[asyncio.Event]:
    """Return an event that is set whenever the room's connection or participants change."""
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
