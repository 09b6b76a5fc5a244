"""Events are kept for a while, for those who come back; a slow follower delays nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from host.server.events import Event, EventStream
from host.server.events import stream as module


@pytest.fixture
def stream() -> EventStream:
    return EventStream()


def say(stream: EventStream, *texts: str, call: str = "AJ_1") -> None:
    """Tell of utterances."""
    for text in texts:
        stream.publish("call.transcript", call, text)


async def taken(events: AsyncIterator[Event], count: int) -> list[Event]:
    """The next events."""
    async with asyncio.timeout(5):
        return [await anext(events) for _ in range(count)]


def texts(events: list[Event]) -> list[str]:
    return [event.text for event in events]


async def rest(stream: EventStream, after: str | None = None) -> list[Event]:
    """What a follower gets until the stream is closed."""
    stream.close()
    return [event async for event in stream.follow(after)]


async def test_all_followers_get_what_happens_from_then_on(stream: EventStream) -> None:
    say(stream, "before")
    both = [stream.follow(), stream.follow()]
    waiting = [asyncio.create_task(taken(one, 2)) for one in both]
    await asyncio.sleep(0)  # both follow
    say(stream, "one", "two")
    assert [texts(await one) for one in waiting] == [["one", "two"]] * 2


async def test_a_follower_may_want_the_events_of_one_call(stream: EventStream) -> None:
    say(stream, "of another", call="AJ_2")
    say(stream, "of this")
    assert texts(await taken(stream.follow("0", "AJ_1"), 2))[1:] == ["of this"]


async def test_who_comes_back_gets_what_came_meanwhile(stream: EventStream) -> None:
    say(stream, "one", "two", "three")
    _, one, *_ = await taken(stream.follow("0"), 4)
    assert texts(await rest(stream, one.id)) == ["two", "three"]


async def test_who_has_all_gets_only_what_is_new(stream: EventStream) -> None:
    say(stream, "one")
    *_, last = await taken(stream.follow("0"), 2)
    follower = stream.follow(last.id)
    waiting = asyncio.create_task(taken(follower, 1))
    await asyncio.sleep(0)
    say(stream, "two")
    assert texts(await waiting) == ["two"]


@pytest.mark.parametrize("id", ["0", "", "deadbeef-1", "no id", "-1", "1e9", "²-²"])
async def test_an_id_of_another_run_gets_all_that_is_kept_and_a_warning(
    stream: EventStream, id: str
) -> None:
    say(stream, "one", "two")
    missed, *others = await rest(stream, id)
    assert missed.type == "events.missed"
    assert json.loads(missed.text)["type"] == "events.missed"
    assert texts(others) == ["one", "two"]


async def test_who_was_away_for_too_long_is_told_that_it_has_missed_events(
    stream: EventStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    say(stream, "one")
    _, one = await taken(stream.follow("0"), 2)
    say(stream, "two", "three", "four", "five")
    missed, *others = await rest(stream, one.id)
    assert missed.type == "events.missed"
    assert texts(others) == ["three", "four", "five"]
    assert [event.type for event in await rest(stream, missed.id)] == ["call.transcript"] * 3


async def test_large_events_make_room_as_well(
    stream: EventStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST", 100)
    say(stream, "a" * 60, "b" * 60, "c" * 30)
    assert [text[0] for text in texts(await rest(stream, "0"))] == ["{", "b", "c"]


async def test_a_follower_that_is_too_slow_is_dropped_and_may_come_back(
    stream: EventStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    say(stream, "zero")
    slow = stream.follow("0")
    *_, zero = await taken(slow, 2)
    say(stream, "one", "two", "three", "four")
    assert [event async for event in slow] == []
    assert stream.followers == 0
    assert [event.type for event in await rest(stream, zero.id)][:1] == ["events.missed"]


async def test_what_was_said_is_forgotten_when_the_recording_is_discarded(
    stream: EventStream,
) -> None:
    slow = stream.follow("0")
    say(stream, "a secret")
    say(stream, "of another", call="AJ_2")
    await taken(slow, 1)
    waits = asyncio.create_task(taken(slow, 2))
    stream.publish("call.status", "AJ_1", "active")
    stream.publish("call.recording_discarded", "AJ_1", "discarded")
    say(stream, "[not recorded]")
    kept = ["of another", "active", "discarded", "[not recorded]"]
    assert texts(await waits) == kept[:2]
    assert texts(await rest(stream, "0"))[1:] == kept
    assert stream._size == sum(map(len, kept))


async def test_a_follower_that_has_left_is_not_counted(stream: EventStream) -> None:
    follower = stream.follow("0")
    await taken(follower, 1)
    assert stream.followers == 1
    await follower.aclose()
    assert stream.followers == 0


async def test_the_end_of_the_stream_ends_its_followers(stream: EventStream) -> None:
    follower = stream.follow("0")
    await taken(follower, 1)
    ends = asyncio.create_task(anext(follower, None))
    say(stream, "last")
    stream.close()
    last = await ends
    assert last is not None
    assert last.text == "last"
    assert [event async for event in follower] == []
