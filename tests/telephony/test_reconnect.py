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
    """A track of a participant, whose server loses some of the subscriptions to it.

    As in LiveKit's SDK (1.1), `subscribed` says that the track is there, not that it was asked for.
    """

    def __init__(self, loses: int = 0, kind: Any = AUDIO) -> None:
        self.kind, self.track = kind, None
        self.requests: list[bool] = []
        self._loses, self._known = loses, False

    @property
    def subscribed(self) -> bool:
        return self.track is not None

    def set_subscribed(self, subscribed: bool) -> None:
        self.requests.append(subscribed)
        changed, self._known = self._known != subscribed, subscribed
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
    monkeypatch.setattr(reconnect, "PAUSE", 0.003)


async def resubscribed(*publications: Publication) -> None:
    """Reconnect to a room in which a participant has these."""
    participant = SimpleNamespace(track_publications=dict(enumerate(publications)))
    room = SimpleNamespace(remote_participants={"sip_1": participant})
    await asyncio.wait_for(resubscribe(cast(rtc.Room, room)), 5)


async def test_who_rejoined_first_is_subscribed_to_once() -> None:
    far_end = Publication()
    await resubscribed(far_end)
    assert far_end.subscribed
    assert far_end.requests == [True]


@pytest.mark.parametrize("loses", [1, 3])
async def test_a_subscription_that_the_server_loses_is_asked_for_again(loses: int) -> None:
    far_end = Publication(loses)
    await resubscribed(far_end)
    assert far_end.subscribed
    assert far_end.requests == [True, *[False, True] * loses]


async def test_a_track_that_is_there_is_left_alone() -> None:
    far_end = Publication()
    far_end.arrive()
    await resubscribed(far_end)
    assert far_end.requests == []


async def test_a_track_that_never_comes_is_given_up_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    far_end = Publication(100)
    await resubscribed(far_end)
    assert far_end.requests.count(True) == reconnect.ATTEMPTS
    assert caplog.messages == ["the far end's audio is not back after the reconnection"]


async def test_video_is_not_subscribed_to() -> None:
    camera = Publication(kind=VIDEO)
    await resubscribed(camera)
    assert camera.requests == []
