"""Places a call from outside the host: dispatches it, watches it and returns its result."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import secrets
from collections.abc import Callable

from livekit import api, rtc

from host.base.errors import LiveKitError
from host.call.dispatch import read_dispatch
from host.dispatch.livekit import livekit_api
from host.dispatch.request import details_of, encode_metadata, metadata_of
from host.dispatch.rooms import UNREACHABLE, join
from host.dispatch.watch import CallResult, RoomWatcher, is_watched, watcher_token
from host.settings import Settings

__all__ = [
    "CallResult",
    "details_of",
    "follow",
    "metadata_of",
    "place",
    "room_for",
    "encode_metadata",
]

TAKEN_LIMIT = 10.0
"""Seconds within which a host must join the call's room."""
ATTEMPTS = 3
"""Dispatches within TAKEN_LIMIT, until a host joins."""
JOIN_LIMIT = 5.0
"""Seconds that joining a room may go on after a cancellation."""
LEAVING_LIMIT = 1.0
"""Seconds that other watchers get to leave a room given up at the same time."""
AFTER_LIMIT = 60.0
"""Seconds allowed in addition to ringing_timeout and the longest call."""
OnStatus = Callable[[str], None]
OnTaken = Callable[[], None]


async def place(
    settings: Settings,
    metadata: str,
    on_status: OnStatus = lambda status: None,
    *,
    on_taken: OnTaken = lambda: None,
    lasting: bool = False,
) -> CallResult:
    """Place a call with metadata of `metadata_of` and wait for its end.

    `on_status` is called with each call status, `on_taken` once a host has taken the call. A
    request with the idempotency key of a live call watches that call. A `lasting` call that a host
    has taken continues if this is cancelled. Raises LiveKitError if no host takes the call.
    """
    async with livekit_api(settings) as livekit:
        placing = _Placing(
            settings, livekit, metadata, on_status, on_taken=on_taken, lasting=lasting
        )
        await livekit.room.list_rooms(api.ListRoomsRequest(names=[placing.name]))  # address and key
        placed = await placing.once()
        if placed is None and placing.key:
            placed = await placing.once()  # the room was that of a call in its last moment
        if placed is None:
            raise LiveKitError("no host took the call: are all lines busy?")
        return placed


async def follow(
    settings: Settings,
    persona: str,
    key: str,
    on_status: OnStatus,
    *,
    on_taken: OnTaken = lambda: None,
) -> CallResult | None:
    """Watch an earlier call to its end; None if its room is gone. Raises HostError."""
    metadata = json.dumps({"persona": persona, "idempotency_key": key})
    async with livekit_api(settings) as livekit:
        placing = _Placing(
            settings,
            livekit,
            metadata,
            on_status,
            on_taken=on_taken,
            lasting=True,
            dispatches=False,
        )
        found = await livekit.room.list_rooms(api.ListRoomsRequest(names=[placing.name]))
        return await placing.once() if found.rooms else None


class _Placing:
    """One request for a call. Requests with the same idempotency key share a room."""

    def __init__(
        self,
        settings: Settings,
        livekit: api.LiveKitAPI,
        metadata: str,
        on_status: OnStatus,
        *,
        on_taken: OnTaken = lambda: None,
        lasting: bool = False,
        dispatches: bool = True,
    ) -> None:
        dispatch = read_dispatch(metadata)
        self._lasting, self._dispatches = lasting, dispatches
        self.key = dispatch.idempotency_key
        self.name = room_for(str(dispatch.persona), self.key)
        self._settings, self._livekit = settings, livekit
        self._metadata, self._on_status, self._on_taken = metadata, on_status, on_taken
        persona = str(dispatch.persona)
        ringing = settings.persona(persona).ringing_timeout
        self._longest = settings.longest_call(persona) + ringing + AFTER_LIMIT

    async def once(self) -> CallResult | None:
        """Dispatch and watch the call; None if the room was closed before a host joined."""
        room = rtc.Room()
        watch = RoomWatcher(room, self._on_status)
        try:
            # Join first, or a call that is refused at once would be over before we watch.
            token = watcher_token(self._settings, self.name, self._metadata)
            options = rtc.RoomOptions(auto_subscribe=False)
            await _join(room, self._settings.livekit_url, token, options)
            watch.see(room)
            await self._until_taken(watch)
            if watch.turned_away:
                return None
            self._on_taken()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(watch.over.wait(), self._longest)
        except BaseException:
            lasts = self._lasting and watch.taken.is_set() and not watch.turned_away
            await _leave(room)  # which looks to the watch as if the room were closed
            if lasts:
                self._on_taken()  # it may have been taken a moment ago
            else:
                # The requester has given up, so the call must not continue unnoticed.
                await self._close_room()
            raise
        finally:
            await _leave(room)
        if watch.lost:
            await self._close_room()
        return watch.placed(self.name)

    async def _until_taken(self, watch: RoomWatcher) -> None:
        """Dispatch the call until a host joins its room.

        LiveKit drops a dispatch silently if no host is registered at that moment, or the only one
        is stopping. Duplicate dispatches are merged by the hosts.
        """
        for attempt in range(ATTEMPTS):
            if watch.taken.is_set():
                return
            if self._dispatches and (self._settings.agent_name or attempt):
                await self._dispatch()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(watch.taken.wait(), TAKEN_LIMIT / ATTEMPTS)
        if not watch.taken.is_set():
            raise LiveKitError(
                f"no host took the call, dispatched {ATTEMPTS} times in {TAKEN_LIMIT:.0f} s: "
                f"is one running with the agent name {self._settings.agent_name!r}?"
            )

    async def _dispatch(self) -> None:
        request = api.CreateAgentDispatchRequest(
            agent_name=self._settings.agent_name, room=self.name, metadata=self._metadata
        )
        await self._livekit.agent_dispatch.create_dispatch(request)

    async def _close_room(self) -> None:
        """Delete the room, unless another watcher with the same key remains."""
        until = asyncio.get_running_loop().time() + LEAVING_LIMIT
        with contextlib.suppress(api.ServerError, *UNREACHABLE):
            while self.key and await is_watched(self._livekit, self.name):
                if asyncio.get_running_loop().time() > until:
                    return
                await asyncio.sleep(0.1)  # watchers that leave at the same time; there is no event
            await self._livekit.room.delete_room(api.DeleteRoomRequest(room=self.name))


async def _join(room: rtc.Room, url: str, token: str, options: rtc.RoomOptions) -> None:
    """Join a room; if this is cancelled, join it first, so that it can be left.

    The SDK (1.1.21) goes on joining after a cancellation, and then nobody would leave: the hidden
    participant would keep the room open.
    """
    joining = asyncio.create_task(join(room, url, token, options))
    joining.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        await asyncio.shield(joining)
    except asyncio.CancelledError:
        await asyncio.wait({joining}, timeout=JOIN_LIMIT)
        joining.cancel()
        raise


async def _leave(room: rtc.Room) -> None:
    with contextlib.suppress(Exception):
        await room.disconnect()


def room_for(persona: str, key: str | None) -> str:
    """Return the room of a new call; the same for the same idempotency key."""
    unique = hashlib.sha256(key.encode()).hexdigest()[:24] if key else f"c{secrets.token_hex(6)}"
    return f"{persona}-{unique}"
