"""LiveKit rooms: joining, deleting, removing a participant, and notifying watchers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re

import aiohttp
from livekit import api, rtc
from livekit.rtc._ffi_client import FfiClient

log = logging.getLogger("host")

UNREACHABLE = (TimeoutError, OSError, aiohttp.ClientError)
"""Exceptions for an unreachable LiveKit server or API."""

PUT_OUT_IN = 2.0
"""Seconds that LiveKit may take to remove a participant.

For a participant that leaves at that moment, the API answers much later. The end of a call does not
wait for it: the room is deleted next anyway.
"""
NOTIFY_ATTEMPTS = 3
NOTIFY_LIMIT = 1.5
"""Seconds for LiveKit to acknowledge attributes, for each of the attempts.

Its SDK (1.1.21) misses about one acknowledgement in a hundred and would wait forever.
"""

_OF_A_CALLER = re.compile(r"(?:^|_)(\+?\d{5,20})_[A-Za-z0-9]{12}\Z", re.ASCII)


def caller_in(room: str) -> str | None:
    """Return the caller's number in a room's name; None if it has none.

    LiveKit's dispatch rules for individual rooms name them `<prefix>_<caller>_<random>`.
    """
    found = _OF_A_CALLER.search(room)
    return found[1] if found else None


def consult_room(room: str) -> str:
    """Return the name of a call's consultation room."""
    return f"{room}-consult"


async def delete_room(livekit: api.LiveKitAPI, room: str) -> None:
    """Delete a room, in up to three attempts; an inbound caller who still rings hears busy."""
    for pause in (0.5, 2.0, None):
        try:
            await asyncio.wait_for(livekit.room.delete_room(api.DeleteRoomRequest(room=room)), 5)
            return
        except api.ServerError as error:
            if error.code == api.ServerErrorCode.NOT_FOUND:
                return
            problem: Exception = error
        except UNREACHABLE as error:
            problem = error
        log.warning("can't delete room %s: %s", room, problem)
        if pause:
            await asyncio.sleep(pause)
    log.error("gave up deleting room %s", room)


async def put_out(livekit: api.LiveKitAPI, room: str, identity: str) -> None:
    """Remove a participant from a room, ignoring errors."""
    who = api.RoomParticipantIdentity(room=room, identity=identity)
    with contextlib.suppress(api.ServerError, *UNREACHABLE):
        await asyncio.wait_for(livekit.room.remove_participant(who), PUT_OUT_IN)


async def join(
    room: rtc.Room, url: str, token: str, options: rtc.RoomOptions | None = None
) -> None:
    """Join a room. Raises what the SDK raises.

    If cancelled, unsubscribes the private queue that the SDK (1.1.21) would otherwise fill with
    every later event.
    """
    try:
        await room.connect(url, token, options or rtc.RoomOptions())
    except BaseException:
        if (queue := getattr(room, "_ffi_queue", None)) is not None:
            FfiClient.instance.queue.unsubscribe(queue)
        raise


async def notify_watchers(room: rtc.Room, attributes: dict[str, str]) -> None:
    """Set attributes of our participant, which `python -m host call` watches."""
    for _ in range(NOTIFY_ATTEMPTS):
        if not room.isconnected():
            return
        with contextlib.suppress(Exception):
            await asyncio.wait_for(room.local_participant.set_attributes(attributes), NOTIFY_LIMIT)
            return
