"""A real livekit-server, the exchange in front of it, and a plain participant for an agent."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from livekit import api
from plain_agent import Agent

from host.local.exchange import PROFILES, Exchange, Profile
from host.local.livekit import LiveKitServer

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They stand on servers, and on the programs that speak and listen.

    What is played on both generations of livekit-sip is played on that of 2025 by `make test-all`
    alone.
    """
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.processes)
            if "2025" in item.name and "now" in _generations(item):
                item.add_marker(pytest.mark.every)


def _generations(item: pytest.Item) -> Sequence[str]:
    """The generations of livekit-sip that a test is played on, by its parameter `profile`."""
    return [
        str(value)
        for mark in item.iter_markers("parametrize")
        if mark.args[0] == "profile"
        for value in mark.args[1]
    ]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def livekit() -> AsyncIterator[LiveKitServer]:
    """A livekit-server on loopback, for all tests of the session."""
    async with LiveKitServer() as server:
        yield server


@pytest.fixture
def profile() -> str:
    """The generation of livekit-sip; tests of failures ask for both."""
    return "now"


def prompt(profile: Profile) -> Profile:
    """Give a generation whose legs are never late, but for the late attributes of 2025."""
    late = profile.answers_late[:1] if profile.late_attributes else (0.0,)
    return replace(profile, answers_late=late, invites_late=(0.0,))


@pytest.fixture
async def exchange(livekit: LiveKitServer, profile: str) -> AsyncIterator[Exchange]:
    """An exchange whose telephones hear sounds, but recognise no words."""
    chosen = prompt(PROFILES[profile])
    async with Exchange(
        livekit.url, livekit.api_key, livekit.api_secret, profile=chosen, deaf=True
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
