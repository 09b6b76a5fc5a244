"""What the host tells in a room, to whoever watches the call; joining that is broken off."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import AsyncMock

import pytest
from api_client import a_livekit
from livekit import rtc
from livekit.rtc._ffi_client import FfiClient
from watched_room import WatchedRoom

from host.dispatch import rooms
from host.dispatch.rooms import join, notify_watchers, put_out

BUSY = {"host.outcome": "busy"}


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiveKit is waited for, and not for long."""
    monkeypatch.setattr(rooms, "NOTIFY_LIMIT", 0.01)


async def test_what_livekit_does_not_answer_is_told_again_so_that_nobody_waits_for_it() -> None:
    room: Any = WatchedRoom(unanswered=1)
    await asyncio.wait_for(notify_watchers(room, BUSY), 5)
    assert room.told == [BUSY, BUSY]


async def test_telling_has_an_end() -> None:
    room: Any = WatchedRoom(unanswered=99)
    await asyncio.wait_for(notify_watchers(room, BUSY), 5)
    assert room.told == [BUSY] * 3


async def test_in_a_room_that_is_gone_nothing_is_told() -> None:
    room: Any = WatchedRoom(unanswered=0, connected=False)
    await notify_watchers(room, BUSY)
    assert room.told == []


async def test_who_leaves_while_they_are_put_out_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rooms, "PUT_OUT_IN", 0.05)
    livekit = AsyncMock()

    async def answers_nothing(_: Any) -> None:
        await asyncio.Event().wait()

    livekit.room.remove_participant.side_effect = answers_nothing
    await asyncio.wait_for(put_out(livekit, "a-room", "a-caller"), 5)
    assert livekit.room.remove_participant.await_args.args[0].identity == "a-caller"


async def test_joining_that_is_broken_off_leaves_nothing_to_be_fed() -> None:
    subscribers = FfiClient.instance.queue._subscribers
    before = len(subscribers)
    async with a_livekit() as livekit:
        joining = asyncio.create_task(join(rtc.Room(), f"ws://127.0.0.1:{livekit.port}", "token"))
        await asyncio.wait_for(livekit.until(lambda: bool(livekit.joining)), 10)
        assert len(subscribers) > before
        joining.cancel()
        await asyncio.wait({joining})
        assert len(subscribers) == before
        livekit.turning_away.set()
