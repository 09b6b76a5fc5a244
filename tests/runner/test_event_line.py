"""A call tells the parent what happens, and waits for no parent that does not read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from host.base.clock import now
from host.runner import event_line
from host.runner.event_line import ADDRESS, EventLine
from host.server.events import Changes, EventStream, receiving
from host.server.socket import inherited_socket


def say(line: EventLine, text: str) -> None:
    line.tell("call.transcript", now(), {"id": "AJ_1", "text": text})


@asynccontextmanager
async def a_parent(*, reads: asyncio.Event) -> AsyncIterator[list[dict[str, Any]]]:
    """A parent that reads nothing before it is told to; gives what it has read."""
    read: list[dict[str, Any]] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reads.wait()
        while line := await reader.readline():
            read.append(json.loads(line))
        writer.close()

    async with inherited_socket(hear, ADDRESS):
        yield read


def told(read: list[dict[str, Any]]) -> list[str]:
    return [event["data"].get("text", event["type"]) for event in read]


async def test_what_is_told_before_the_connection_is_sent_once_it_is_there() -> None:
    reads = asyncio.Event()
    reads.set()
    async with a_parent(reads=reads) as read:
        line = EventLine("AJ_1")
        say(line, "before")
        await line.connect()
        say(line, "after")
        await line.close()
        await asyncio.sleep(0.05)
    assert told(read) == ["before", "after"]


async def test_a_call_that_is_over_at_once_still_tells_its_end() -> None:
    reads = asyncio.Event()
    reads.set()
    async with a_parent(reads=reads) as read:
        line = EventLine("AJ_1")
        say(line, "the end")
        await line.close()
        await asyncio.sleep(0.05)
    assert told(read) == ["the end"]


async def test_a_parent_that_does_not_read_delays_nothing_and_learns_what_it_has_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_line, "UNREAD", 10_000)
    reads = asyncio.Event()
    async with a_parent(reads=reads) as read:
        line = EventLine("AJ_1")
        await line.connect()
        for at in range(200):
            say(line, f"{at} " + "x" * 5000)
        assert line._writer is not None
        held = line._writer.transport.get_write_buffer_size()
        assert held < 20_000
        reads.set()
        async with asyncio.timeout(5):
            while line._writer.transport.get_write_buffer_size():
                await asyncio.sleep(0.01)  # the transport has no event for it
        say(line, "again")
        await line.close()
        await asyncio.sleep(0.05)
    *first, missed, last = read
    assert last["data"]["text"] == "again"
    assert missed["type"] == "events.missed"
    assert missed["data"] == {"id": "AJ_1", "events": 200 - len(first)}
    assert 0 < len(first) < 200


async def test_an_event_that_is_too_long_is_left_out() -> None:
    stream = EventStream()
    async with receiving(stream):
        line = EventLine("AJ_1")
        await line.connect()
        say(line, "ä" * event_line.LONGEST)
        say(line, "short")
        await line.close()
        follower = stream.follow("0")
        async with asyncio.timeout(5):
            types = [(await anext(follower)).type for _ in range(3)]
        await follower.aclose()
    assert types == ["events.missed", "events.missed", "call.transcript"]


async def test_that_a_checkpoint_is_new_is_told_to_the_console_and_to_nobody_else() -> None:
    stream, changes = EventStream(), Changes()
    with changes.watched("AJ_1", "me") as watcher:
        async with receiving(stream, changes):
            line = EventLine("AJ_1")
            line.tell_change()
            line.tell_change()
            assert changes.number == 0
            await line.connect()
            async with asyncio.timeout(5):
                await watcher.changed(0, 5)
            assert changes.number == 1  # before the connection, one is as good as two
            say(line, "an event")
            line.tell_change()
            async with asyncio.timeout(5):
                await watcher.changed(0, 5)
            await line.close()
        assert changes.number == 2
    stream.close()
    assert [event.type async for event in stream.follow("0")] == [
        "events.missed",
        "call.transcript",
    ]


async def test_a_parent_that_does_not_read_is_not_told_of_each_checkpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_line, "UNREAD", 10_000)
    reads = asyncio.Event()
    async with a_parent(reads=reads):
        line = EventLine("AJ_1")
        await line.connect()
        for _ in range(2000):
            line.tell_change()
        assert line._writer is not None
        assert line._writer.transport.get_write_buffer_size() < 11_000
        assert line._missed == 0
        reads.set()
        await line.close()
        await asyncio.sleep(0.05)


async def test_without_a_parent_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADDRESS, raising=False)
    line = EventLine("AJ_1")
    say(line, "nobody hears it")
    await line.connect()
    await line.close()
    assert not line._waiting


async def test_a_parent_that_is_gone_costs_a_call_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = EventStream()
    async with receiving(stream):
        line, late = EventLine("AJ_1"), EventLine("AJ_2")
        await line.connect()
    say(late, "waits")
    await late.connect()
    for at in range(20):
        say(line, f"{at}")
        say(late, f"{at}")
        await asyncio.sleep(0)
    await line.close()
    await late.close()
    assert caplog.text == ""


@pytest.mark.parametrize(
    "sent",
    [
        b"\n",
        b"no json\n",
        b"[]\n",
        b'{"type": "call.unheard", "timestamp": "2026-11-30T09:00:00Z", "data": {"id": "AJ_1"}}\n',
        b'{"type": "call.status", "timestamp": "2026-11-30T09:00:00Z", "data": {}}\n',
        b'{"type": "call.status", "timestamp": "2026-11-30T09:00:00Z", "data": {"id": "\xff"}}\n',
    ],
)
async def test_what_is_no_event_is_skipped(sent: bytes) -> None:
    stream = EventStream()
    async with receiving(stream):
        line = EventLine("AJ_1")
        await line.connect()
        assert line._writer is not None
        line._writer.write(sent)
        say(line, "an event")
        await line.close()
        follower = stream.follow("0")
        async with asyncio.timeout(5):
            events = [await anext(follower) for _ in range(2)]
        await follower.aclose()
    assert [event.type for event in events] == ["events.missed", "call.transcript"]
