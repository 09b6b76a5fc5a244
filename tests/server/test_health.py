"""What an orchestrator is told of the host, before, while and after it can take calls."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from dispatcher import LIMIT, Dispatcher, a_worker, running
from livekit.agents import AgentServer
from waiting import until_logged

from host.base.errors import SettingsError
from host.server.connection import Connection
from host.server.disk import why_not_recorded
from host.server.health import Health, answering
from host.server.heartbeat_monitor import HeartbeatMonitor, WatchedCall

pytestmark = pytest.mark.processes


class Asked:
    """The health check of one host, and what it answers."""

    def __init__(
        self, health: Health, connection: Connection, calls: HeartbeatMonitor, address: str
    ) -> None:
        self.health, self.connection, self.calls = health, connection, calls
        self._address = address

    async def of(self, path: str) -> tuple[int, dict[str, Any]]:
        """Ask for a path: the status, and the body."""
        async with aiohttp.ClientSession() as http, http.get(self._address + path) as answer:
            return answer.status, await answer.json() if "json" in answer.content_type else {}


def no_calls() -> HeartbeatMonitor:
    """The calls of a host that has none yet."""

    async def lost(live: WatchedCall) -> None:
        raise AssertionError(f"{live} is lost")

    return HeartbeatMonitor(lost)


@contextlib.asynccontextmanager
async def asking(
    server: AgentServer,
    caplog: pytest.LogCaptureFixture,
    max_calls: int = 2,
    state_dir: Path | None = None,
) -> AsyncIterator[Asked]:
    """Have the health check of a worker up."""
    caplog.set_level(logging.INFO)
    connection = Connection(server)
    calls = no_calls()
    not_recorded = partial(why_not_recorded, state_dir) if state_dir else lambda: None
    health = Health(server, connection, calls, max_calls, not_recorded)
    with connection.watched():
        async with answering(health, "127.0.0.1", 0):
            found = re.search(r"health checks at (http://[\d.:]+)", caplog.text)
            assert found
            yield Asked(health, connection, calls, found[1])


async def test_a_host_is_ready_once_livekit_has_its_worker(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    server = a_worker(dispatcher)
    async with asking(server, caplog) as asked:
        status, told = await asked.of("/readyz")
        assert (status, told["reason"]) == (503, "not registered with LiveKit")
        assert (await asked.of("/healthz"))[0] == 200
        async with running(server):
            await dispatcher.until(lambda: asked.connection.up)
            assert await asked.of("/readyz") == (
                200,
                {
                    "ok": True,
                    "reason": None,
                    "live_calls": 0,
                    "max_calls": 2,
                    "draining": False,
                    "registered": True,
                },
            )


async def test_a_host_with_as_many_calls_as_it_may_have_is_not_ready(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    server = a_worker(dispatcher)
    async with asking(server, caplog) as asked, running(server):
        asked.calls.expect("AJ_1", "first")
        await dispatcher.until(lambda: asked.connection.up)
        assert (await asked.of("/readyz"))[0] == 200
        asked.calls.expect("AJ_2", "second")
        status, told = await asked.of("/readyz")
        assert (status, told["live_calls"], told["max_calls"]) == (503, 2, 2)
        assert told["reason"] == "max_calls is reached"
        assert (await asked.of("/healthz"))[0] == 200


async def test_a_host_that_can_record_no_call_is_well_but_not_ready(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    server = a_worker(dispatcher)
    async with asking(server, caplog, state_dir=tmp_path) as asked, running(server):
        await dispatcher.until(lambda: asked.connection.up)
        assert (await asked.of("/readyz"))[0] == 200
        unfinished = tmp_path / "unfinished"
        unfinished.rmdir()
        unfinished.touch()
        status, told = await asked.of("/readyz")
        assert (status, told["reason"]) == (
            503,
            f"calls can't be recorded in {unfinished}: Not a directory",
        )
        assert (await asked.of("/healthz"))[0] == 200
        unfinished.unlink()
        assert (await asked.of("/readyz"))[0] == 200


async def test_a_draining_host_is_well_but_not_ready(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    server = a_worker(dispatcher)
    async with asking(server, caplog) as asked, running(server):
        await dispatcher.until(lambda: asked.connection.up)
        asked.calls.closed = True
        status, told = await asked.of("/readyz")
        assert (status, told["draining"]) == (503, True)
        assert told["reason"].startswith("draining")
        assert (await asked.of("/healthz"))[0] == 200


async def test_a_host_whose_worker_has_stopped_is_neither_well_nor_ready(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    async with asking(a_worker(dispatcher), caplog) as asked:
        asked.health.stopped = True
        for path in ("/healthz", "/readyz"):
            status, told = await asked.of(path)
            assert (status, told["reason"]) == (503, "the worker has stopped")


async def test_livekits_own_health_check_answers_at_the_same_port(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    server = a_worker(dispatcher)
    async with asking(server, caplog) as asked:
        assert (await asked.of("/"))[0] == 503
        async with running(server):
            await dispatcher.until(lambda: asked.connection.up)
            assert (await asked.of("/"))[0] == 200
            assert (await asked.of("/worker"))[1]["agent_name"] == "host"


async def test_livekit_that_goes_and_comes_back_is_two_lines_in_the_log(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    server = a_worker(dispatcher)
    async with asking(server, caplog) as asked, running(server):
        await dispatcher.until(lambda: asked.connection.up)
        await dispatcher.down()
        await until_logged(caplog, "lost the connection to LiveKit", limit=LIMIT)
        status, told = await asked.of("/readyz")
        assert (status, told["reason"]) == (503, "not registered with LiveKit")
        assert (await asked.of("/healthz"))[0] == 200
        await dispatcher.up()
        await dispatcher.until(lambda: dispatcher.registrations == 2 and asked.connection.up)
        assert (await asked.of("/readyz"))[0] == 200
    lines = [text for line in caplog.records if "to LiveKit" in (text := line.getMessage())]
    assert len(lines) == 2
    assert lines[0].startswith("lost the connection to LiveKit, reconnecting: ")
    assert lines[1] == "reconnected to LiveKit"
    assert "failed to connect" not in caplog.text


async def test_a_port_that_another_program_has_is_one_clear_line(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    server = a_worker(dispatcher)
    health = Health(server, Connection(server), no_calls(), 2)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingsError) as raised:
            async with answering(health, "127.0.0.1", port):
                pass
    assert str(raised.value) == (
        f"HOST_HEALTH_PORT: port {port} of 127.0.0.1 is not free: "
        "another program uses it; set another"
    )


async def test_an_address_that_is_not_this_machines_is_named(dispatcher: Dispatcher) -> None:
    server = a_worker(dispatcher)
    health = Health(server, Connection(server), no_calls(), 2)
    with pytest.raises(SettingsError, match="HOST_HEALTH_PORT: port 0 of 192.0.2.1 is not free"):
        async with answering(health, "192.0.2.1", 0):
            pass
