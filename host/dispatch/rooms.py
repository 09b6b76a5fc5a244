"""A call's room in LiveKit: its end, who is put out of it, and what it tells to whoever watches."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import aiohttp
from livekit import api, rtc
from livekit.rtc._ffi_client import FfiClient

log = logging.getLogger("host")

UNREACHABLE = (TimeoutError, OSError, aiohttp.ClientError)
"""What is raised where LiveKit, or its API, can't be reached."""

PUT_OUT_IN = 2.0
"""Seconds that LiveKit may take to put somebody out of a room.

Of one who leaves by themselves at that moment it answers nothing for longer. The end of a call does
not wait for it: the room is deleted next, and with it goes whoever is left.
"""
TELLING = 3
TOLD_IN = 1.5
"""Seconds in which LiveKit says that it has taken down what watchers are told, up to three times.

Its SDK (1.1.21) misses that word once in a hundred times or so, and would wait for it for ever.
"""


def consult_room(room: str) -> str:
    """Name the room in which a colleague is asked whether they take the call of a room."""
    return f"{room}-consult"


async def delete_room(livekit: api.LiveKitAPI, room: str) -> None:
    """Delete a room, trying three times: an inbound caller that still rings hears busy."""
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
    """Put somebody out of a room, if they are there and LiveKit can be reached."""
    who = api.RoomParticipantIdentity(room=room, identity=identity)
    with contextlib.suppress(api.ServerError, *UNREACHABLE):
        await asyncio.wait_for(livekit.room.remove_participant(who), PUT_OUT_IN)


async def join(
    room: rtc.Room, url: str, token: str, options: rtc.RoomOptions | None = None
) -> None:
    """Join a room. Raises what the SDK raises.

    One that is cancelled meanwhile leaves nothing behind: the SDK (1.1.21) would feed its queue,
    which is private, with every event from then on.
    """
    try:
        await room.connect(url, token, options or rtc.RoomOptions())
    except BaseException:
        if (queue := getattr(room, "_ffi_queue", None)) is not None:
            FfiClient.instance.queue.unsubscribe(queue)
        raise


async def notify_watchers(room: rtc.Room, told: dict[str, str]) -> None:
    """Tell `python -m host call`, which watches our participant, how the call stands."""
    for _ in range(TELLING):
        if not room.isconnected():
            return
        with contextlib.suppress(Exception):
            await asyncio.wait_for(room.local_participant.set_attributes(told), TOLD_IN)
            return
