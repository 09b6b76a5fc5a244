"""A real livekit-server, the exchange in front of it, and a plain participant for an agent."""

import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from livekit import api
from plain_agent import Agent, Server

from host.local.exchange import Exchange


def a_free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.fixture(scope="session")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A livekit-server on loopback, for all tests of the session."""
    program = os.environ.get("HOST_LIVEKIT_SERVER") or shutil.which("livekit-server")
    if not program:
        pytest.skip("no livekit-server: set HOST_LIVEKIT_SERVER")
    folder: Path = tmp_path_factory.mktemp("livekit")
    port, secret = a_free_port(), secrets.token_hex(24)
    config = folder / "livekit.yaml"
    config.write_text(
        f"port: {port}\nbind_addresses: [127.0.0.1]\n"
        "rtc:\n  tcp_port: 0\n  port_range_start: 40000\n  port_range_end: 44000\n"
        "  use_external_ip: false\n  node_ip: 127.0.0.1\n  enable_loopback_candidate: true\n"
        "  interfaces: {includes: [lo]}\n"
        f"keys: {{testkey: {secret}}}\nlogging: {{level: warn}}\n"
    )
    with open(folder / "livekit.log", "w") as log:
        server = subprocess.Popen([program, "--config", str(config)], stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}", seconds=20)
        yield Server(f"ws://127.0.0.1:{port}", "testkey", secret)
    finally:
        server.terminate()
        server.wait(10)


def wait_for(url: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


@pytest.fixture
def profile() -> str:
    """The generation of livekit-sip; tests of failures ask for both."""
    return "now"


@pytest.fixture
async def exchange(livekit: Server, profile: str) -> AsyncIterator[Exchange]:
    """An exchange whose telephones hear sounds, but recognise no words."""
    async with Exchange(
        livekit.url, livekit.api_key, livekit.api_secret, profile=profile, deaf=True
    ) as exchange:
        yield exchange


@pytest.fixture
async def lk(exchange: Exchange) -> AsyncIterator[api.LiveKitAPI]:
    """LiveKit's API, through the exchange."""
    async with api.LiveKitAPI(exchange.url, exchange.api_key, exchange.api_secret) as client:
        yield client


@pytest.fixture
async def join(exchange: Exchange) -> AsyncIterator[Callable[[str], Any]]:
    """Let an agent join a room: `agent = await join("a-room")`."""
    async with AsyncExitStack() as agents:

        async def enter(room: str) -> Agent:
            return await agents.enter_async_context(Agent(exchange, room))

        yield enter
