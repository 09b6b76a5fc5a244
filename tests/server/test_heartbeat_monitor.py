"""A call and its parent notice at once when the other is gone, and a blocked call is ended."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from live_calls import CALL, joined, now

from host.runner import heartbeat
from host.runner.heartbeat import Heartbeat
from host.server import heartbeat_monitor
from host.server.heartbeat_monitor import HeartbeatMonitor, WatchedCall

pytestmark = pytest.mark.processes


DIES_WITH_A_KNOCK_AT_ITS_DOOR = """
import socket, sys, time
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
print("listens", flush=True)
time.sleep(0.5)
"""


@pytest.fixture
async def lost() -> asyncio.Queue[WatchedCall]:
    """The calls that were lost."""
    return asyncio.Queue()


@pytest.fixture
async def lines(lost: asyncio.Queue[WatchedCall]) -> AsyncIterator[HeartbeatMonitor]:
    """The parent's side."""
    async with HeartbeatMonitor(lost.put).listening() as lines:
        yield lines


async def test_a_call_that_ends_by_itself_is_not_lost(
    lines: HeartbeatMonitor, lost: asyncio.Queue[WatchedCall]
) -> None:
    process = await joined(lines, "await line.over()")
    assert "AJ_1" in lines
    now(process)
    assert await lines.all_over(10)
    assert lost.empty()
    process.communicate(timeout=10)


async def test_the_room_of_a_call_that_has_left_it_is_free(lines: HeartbeatMonitor) -> None:
    process = await joined(lines, "line.left(); await asyncio.sleep(60)")
    assert lines.rooms == {"a-room"}
    now(process)
    async with asyncio.timeout(10):
        while lines.rooms:
            await asyncio.sleep(0.01)  # another process says so
    assert lines.joined("AJ_1"), "the call is yet to be recorded"
    process.kill()
    process.communicate(timeout=10)


async def test_a_killed_process_is_noticed_at_once_and_not_by_its_silence(
    lines: HeartbeatMonitor, lost: asyncio.Queue[WatchedCall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat_monitor, "BLOCKED", 60)
    process = await joined(lines, "pass")
    process.kill()
    live = await asyncio.wait_for(lost.get(), 10)
    assert (live.id, live.room, live.process) == ("AJ_1", "a-room", process.pid)
    process.communicate(timeout=10)


async def test_a_blocked_process_is_killed(
    lines: HeartbeatMonitor, lost: asyncio.Queue[WatchedCall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat_monitor, "BLOCKED", 1.5)
    process = await joined(lines, "time.sleep(60)")
    now(process)
    await asyncio.wait_for(lost.get(), 10)
    process.communicate(timeout=10)
    assert process.returncode == -9


async def test_a_busy_process_is_left_alone(
    lines: HeartbeatMonitor, lost: asyncio.Queue[WatchedCall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat_monitor, "BLOCKED", 1.5)
    process = await joined(lines, "[(time.sleep(0.1), await asyncio.sleep(0)) for _ in range(30)]")
    now(process)
    process.communicate(timeout=20)
    assert (await asyncio.wait_for(lost.get(), 10)).process == process.pid
    assert process.returncode == 0, "it came to its end, though it forgot to say so"


async def test_a_parent_that_was_blocked_itself_kills_nobody(
    lines: HeartbeatMonitor, lost: asyncio.Queue[WatchedCall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat_monitor, "BLOCKED", 1.0)
    process = await joined(lines, "await line.over()")
    time.sleep(2.5)  # noqa: ASYNC251 - it blocks this loop
    now(process)
    assert await lines.all_over(10)
    assert lost.empty()
    process.communicate(timeout=10)
    assert process.returncode == 0


async def test_a_call_that_no_process_begins_is_lost(
    lines: HeartbeatMonitor, lost: asyncio.Queue[WatchedCall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat_monitor, "JOINING", 0.6)
    lines.expect("AJ_9", "b-room")
    live = await asyncio.wait_for(lost.get(), 10)
    assert (live.id, live.process) == ("AJ_9", None)
    assert await lines.all_over(5)


async def test_a_goodbye_reaches_every_call(lines: HeartbeatMonitor) -> None:
    processes = [await joined(lines, "await goodbye.wait()", f"AJ_{n}") for n in range(3)]
    for process in processes:
        now(process)
    lines.goodbye()
    for process in processes:
        out, _ = await asyncio.to_thread(process.communicate, timeout=10)
        assert out.split() == ["goodbye"]


async def test_a_call_hears_that_its_parent_is_gone(lost: asyncio.Queue[WatchedCall]) -> None:
    child = CALL.format(what="await holding")
    parent = f"""
import asyncio, os, subprocess, sys
from host.server.heartbeat_monitor import HeartbeatMonitor

async def main():
    async def lost(live): pass
    async with HeartbeatMonitor(lost).listening() as lines:
        call = [sys.executable, "-c", {child!r}, "AJ_1"]
        subprocess.Popen(call, stdin=subprocess.DEVNULL)
        await lines.joins("AJ_1", 10)
        os.kill(os.getpid(), 9)

asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    out, _ = await asyncio.to_thread(process.communicate, timeout=20)
    assert process.returncode == -9
    assert out.split() == ["orphan"]


async def test_a_call_that_nobody_watches_over_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(heartbeat.ADDRESS, raising=False)
    line = Heartbeat("AJ_1", "a-room")
    await asyncio.wait_for(line.hold(pytest.fail, pytest.fail), 1)
    await line.over()


async def test_a_parent_that_lives_answers_at_once(lines: HeartbeatMonitor) -> None:
    begun = time.monotonic()
    assert not await asyncio.to_thread(lambda: Heartbeat("AJ_1", "a-room").orphaned)
    assert time.monotonic() - begun < heartbeat.ANSWER_LIMIT


def test_a_parent_that_dies_as_it_is_asked_counts_as_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux closes a dead process's sockets one by one, the latest first."""
    address = str(tmp_path / "socket")
    command = [sys.executable, "-c", DIES_WITH_A_KNOCK_AT_ITS_DOOR, address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        monkeypatch.setenv(heartbeat.ADDRESS, address)
        assert Heartbeat("AJ_1", "a-room").orphaned


def test_a_parent_that_is_blocked_is_not_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = str(tmp_path / "socket")
    monkeypatch.setattr(heartbeat, "ANSWER_LIMIT", 0.1)
    monkeypatch.setenv(heartbeat.ADDRESS, address)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        assert not Heartbeat("AJ_1", "a-room").orphaned
