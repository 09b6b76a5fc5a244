"""What is heard again after the connection to LiveKit was lost."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import rtc

from host.telephony import reconnect
from host.telephony.reconnect import resubscribe

AUDIO, VIDEO = rtc.TrackKind.KIND_AUDIO, rtc.TrackKind.KIND_VIDEO


class Publication:
    """A track of a participant, whose server loses some of the subscriptions to it."""

    def __init__(self, loses: int = 0, *, subscribed: bool = False, kind: Any = AUDIO) -> None:
        self.kind, self.subscribed, self.track = kind, subscribed, None
        self.wishes: list[bool] = []
        self._loses = loses

    def set_subscribed(self, subscribed: bool) -> None:
        self.wishes.append(subscribed)
        changed, self.subscribed = self.subscribed != subscribed, subscribed
        if subscribed and changed:
            self._loses -= 1
            if self._loses < 0:
                asyncio.get_running_loop().call_later(0.005, self.arrive)

    def arrive(self) -> None:
        self.track = cast(Any, object())


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred times as fast as in a call."""
    monkeypatch.setattr(reconnect, "TRACK_LIMIT", 0.02)
    monkeypatch.setattr(reconnect, "APART", 0.003)


async def resubscribed(*publications: Publication) -> None:
    """Reconnect to a room in which a participant has these."""
    participant = SimpleNamespace(track_publications=dict(enumerate(publications)))
    room = SimpleNamespace(remote_participants={"sip_1": participant})
    await asyncio.wait_for(resubscribe(cast(rtc.Room, room)), 5)


async def test_who_rejoined_first_is_subscribed_to_once() -> None:
    far_end = Publication()
    await resubscribed(far_end)
    assert far_end.track is not None
    assert far_end.wishes == [True]


@pytest.mark.parametrize("loses", [1, 3])
async def test_a_subscription_that_the_server_loses_is_asked_for_again(loses: int) -> None:
    far_end = Publication(loses)
    await resubscribed(far_end)
    assert far_end.track is not None
    assert far_end.wishes == [True, *[False, True] * loses]


async def test_a_track_that_is_on_its_way_is_not_asked_for_again() -> None:
    far_end = Publication(subscribed=True)
    asyncio.get_running_loop().call_later(0.01, far_end.arrive)
    await resubscribed(far_end)
    assert far_end.wishes == []


async def test_a_track_that_never_comes_is_given_up() -> None:
    far_end = Publication(100)
    await resubscribed(far_end)
    assert far_end.wishes.count(True) == reconnect.TRIES


async def test_video_is_not_subscribed_to() -> None:
    camera = Publication(kind=VIDEO)
    await resubscribed(camera)
    assert camera.wishes == []
