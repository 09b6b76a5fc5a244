"""What the host tells in a room, to whoever watches the call."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from host import rooms
from host.rooms import tell_watchers


class Room:
    """LiveKit's room at the edge, which leaves the first updates without a word."""

    def __init__(self, unanswered: int, connected: bool = True) -> None:
        self.told: list[dict[str, str]] = []
        self._unanswered, self._connected = unanswered, connected
        self.local_participant = self

    def isconnected(self) -> bool:
        return self._connected

    async def set_attributes(self, told: dict[str, str]) -> None:
        self.told.append(told)
        if len(self.told) <= self._unanswered:
            await asyncio.Future()


BUSY = {"host.outcome": "busy"}


async def test_what_livekit_does_not_answer_is_told_again_so_that_nobody_waits_for_it() -> None:
    room: Any = Room(unanswered=1)
    begun = time.monotonic()
    await tell_watchers(room, BUSY)
    assert room.told == [BUSY, BUSY]
    assert time.monotonic() - begun < 2.5


async def test_telling_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "TOLD_IN", 0.01)
    room: Any = Room(unanswered=99)
    await asyncio.wait_for(tell_watchers(room, BUSY), 5)
    assert room.told == [BUSY] * 3


async def test_in_a_room_that_is_gone_nothing_is_told() -> None:
    room: Any = Room(unanswered=0, connected=False)
    await tell_watchers(room, BUSY)
    assert room.told == []
