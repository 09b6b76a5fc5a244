"""Scenes on the local exchange alone, in memory and over a real livekit-server.

A scene has no host in it: a plain participant, `Agent`, sees and hears what happens in a room.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

import pytest
from livekit import api
from plain_agent import Agent

from host.local.exchange import Exchange
from host.local.livekit import LiveKitServer, find_server

from .api import Api, answered_by
from .clock import VirtualClockLoop, virtual_time
from .sdk import Sdk, answered_from_memory
from .server import Server
from .telephones import MemoryExchange
from .world import KEY, SECRET

P = ParamSpec("P")
MEMORY, REAL = "memory", "real"


IN_REALITY = (pytest.mark.processes, pytest.mark.every)


@dataclass
class ExchangeScene:
    """An exchange, LiveKit's API through it, and agents who join its rooms."""

    exchange: Exchange
    lk: api.LiveKitAPI
    agents: AsyncExitStack
    profile: str

    async def join(self, room: str) -> Agent:
        """Let an agent join a room."""
        return await self.agents.enter_async_context(Agent(self.exchange, room))


def played(
    *profiles: str,
) -> Callable[[Callable[Concatenate[ExchangeScene, P], Awaitable[None]]], Callable[..., None]]:
    """Play a scene in both worlds, and on these generations of LiveKit SIP; `now` without any.

    The real world is for `make test-all` alone: a media timeout takes its 15 s there.
    """

    def mark(
        play: Callable[Concatenate[ExchangeScene, P], Awaitable[None]],
    ) -> Callable[..., None]:
        @pytest.mark.parametrize("profile", profiles or ["now"])
        @pytest.mark.parametrize("where", [MEMORY, pytest.param(REAL, marks=IN_REALITY)])
        def test(where: str, profile: str, **facts: Any) -> None:
            async def in_a_world() -> None:
                async with _WORLDS[where](profile) as scene:
                    await play(scene, **facts)  # type: ignore[call-arg]

            factory = VirtualClockLoop if where == MEMORY else asyncio.new_event_loop
            with asyncio.Runner(loop_factory=factory) as runner:
                runner.run(in_a_world())

        scene, *rest = inspect.signature(play).parameters.values()
        own = list(inspect.signature(test).parameters.values())[:2]
        marked: Any = test
        marked.__signature__ = inspect.Signature([*own, *rest])
        marked.__name__, marked.__doc__ = play.__name__, play.__doc__
        made: Callable[..., None] = marked
        return made

    return mark


@asynccontextmanager
async def _in_memory(profile: str) -> AsyncIterator[ExchangeScene]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualClockLoop)
    server = Server()
    with virtual_time(loop), answered_from_memory(Sdk(server, KEY, SECRET)):
        exchange = MemoryExchange(KEY, SECRET, "", profile=profile)
        with answered_by(Api(server, exchange.sip, KEY, SECRET)):
            async with exchange, _scene(exchange, profile) as scene:
                yield scene


@asynccontextmanager
async def _over_livekit(profile: str) -> AsyncIterator[ExchangeScene]:
    if find_server() is None:
        pytest.skip("no livekit-server: make setup")
    async with (
        LiveKitServer() as server,
        Exchange(
            server.url, server.api_key, server.api_secret, profile=profile, deaf=True
        ) as exchange,
        _scene(exchange, profile) as scene,
    ):
        yield scene


@asynccontextmanager
async def _scene(exchange: Exchange, profile: str) -> AsyncIterator[ExchangeScene]:
    async with (
        api.LiveKitAPI(exchange.url, exchange.api_key, exchange.api_secret) as lk,
        AsyncExitStack() as agents,
    ):
        yield ExchangeScene(exchange, lk, agents, profile)


_WORLDS = {MEMORY: _in_memory, REAL: _over_livekit}
