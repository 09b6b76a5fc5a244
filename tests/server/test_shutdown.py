"""What the host does when it is told to stop: once, twice, and when its time is up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dispatcher import LIMIT, Dispatcher, a_worker, running
from livekit.agents import AgentServer
from waiting import until_logged

from host.runner.heartbeat import Heartbeat
from host.server import shutdown as module
from host.server.connection import Connection
from host.server.health import Health
from host.server.recovery import Recovery
from host.server.shutdown import Stopping
from host.settings import Settings


class Caller:
    """A live call: the far end of a lifeline, which hangs up when it hears a goodbye."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.heard_goodbye = asyncio.Event()
        self._lifeline = Heartbeat("AJ_1", "desk-1")
        self._deaf = deaf
        self.life = asyncio.create_task(self._live())

    async def hang_up(self) -> None:
        """Come to a natural end, however often."""
        await self._lifeline.over()
        await asyncio.wait_for(self.life, 5)

    async def _live(self) -> None:
        await self._lifeline.hold(self._goodbye, lambda: None)

    def _goodbye(self) -> None:
        self.heard_goodbye.set()
        if not self._deaf:
            self._leaving = asyncio.create_task(self.hang_up())


class Host:
    """A worker that stops when it is asked to."""

    def __init__(self, server: AgentServer, folder: Path, patience: float) -> None:
        self.recovery = Recovery(Settings(state_dir=folder))
        self.health = Health(server, Connection(server), self.recovery.heartbeats, 10)
        self.stopping = Stopping(server, self.recovery, self.health, patience=patience)
        self.server = server
        self._callers: list[Caller] = []

    @contextlib.asynccontextmanager
    async def up(self, dispatcher: Dispatcher) -> AsyncIterator[asyncio.Task[None]]:
        """Run until the end of the block; gives what ends when the host has stopped."""
        async with self.recovery.heartbeats.listening():
            work = self.stopping.run(self.server.run(devmode=True))
            async with running(self.server, work) as run:
                await dispatcher.until(lambda: dispatcher.status is not None)
                yield run
            for caller in self._callers:
                await caller.hang_up()

    async def takes(self, *, deaf: bool = False) -> Caller:
        """Have a call live."""
        caller = Caller(deaf=deaf)
        self._callers.append(caller)
        assert await self.recovery.heartbeats.joins("AJ_1", LIMIT)
        return caller


@pytest.fixture
def host(dispatcher: Dispatcher, tmp_path: Path) -> Host:
    """A host that waits long for its calls."""
    return Host(a_worker(dispatcher), tmp_path, patience=60)


async def test_a_host_without_calls_stops_at_once(dispatcher: Dispatcher, host: Host) -> None:
    async with host.up(dispatcher) as run:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(run, 5)
    assert host.health.stopped


async def test_the_first_signal_leaves_new_calls_to_others_and_waits_for_live_ones(
    dispatcher: Dispatcher, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with host.up(dispatcher) as run:
        call = await host.takes()
        host.stopping.ask()
        assert host.recovery.heartbeats.closed
        await until_logged(caplog, "stopping when the live calls have ended")
        assert not run.done()
        await call.hang_up()
        await asyncio.wait_for(run, 5)
    assert not call.heard_goodbye.is_set()


async def test_the_second_signal_says_goodbye(
    dispatcher: Dispatcher, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with host.up(dispatcher) as run:
        call = await host.takes()
        host.stopping.ask()
        await until_logged(caplog, "stopping when the live calls have ended")
        assert not call.heard_goodbye.is_set()
        host.stopping.ask()
        await asyncio.wait_for(run, 5)
    assert call.heard_goodbye.is_set()


async def test_the_deadline_says_goodbye(dispatcher: Dispatcher, tmp_path: Path) -> None:
    host = Host(a_worker(dispatcher), tmp_path, patience=0.3)
    async with host.up(dispatcher) as run:
        call = await host.takes()
        host.stopping.ask()
        await asyncio.wait_for(run, 5)
    assert call.heard_goodbye.is_set()


async def test_while_you_work_the_first_signal_says_goodbye(
    dispatcher: Dispatcher, tmp_path: Path
) -> None:
    host = Host(a_worker(dispatcher), tmp_path, patience=0)
    async with host.up(dispatcher) as run:
        call = await host.takes()
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(run, 5)
    assert call.heard_goodbye.is_set()


async def test_a_call_that_does_not_end_holds_nobody_up(
    dispatcher: Dispatcher, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GOODBYE_LIMIT", 0.2)
    monkeypatch.setattr(module, "LOST_LIMIT", 0.2)
    async with host.up(dispatcher) as run:
        call = await host.takes(deaf=True)
        host.stopping.ask()
        host.stopping.ask()
        await asyncio.wait_for(run, 5)
    assert call.heard_goodbye.is_set()


async def test_what_broke_the_worker_is_told(dispatcher: Dispatcher, host: Host) -> None:
    async def breaks() -> None:
        raise RuntimeError("no such worker")

    with pytest.raises(RuntimeError, match="no such worker"):
        await host.stopping.run(breaks())
    assert host.health.stopped
