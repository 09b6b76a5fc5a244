"""The HTTP server inside the host: how rarely it wakes its loop, and how soon it stops."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
from in_memory.clock import VirtualClockLoop

from host.server.http.serving import listen, serving


def test_it_wakes_the_host_once_a_second_and_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: list[float] = []
    tick, served = uvicorn.Server.on_tick, asyncio.Event()

    async def on_tick(server: uvicorn.Server, counter: int) -> bool:
        ticks.append(asyncio.get_running_loop().time())
        if len(ticks) == 4:
            served.set()
        over = await tick(server, counter)
        headers = dict(server.server_state.default_headers)
        assert headers.keys() == {b"date"}, "it is renewed at each tick"
        return over

    monkeypatch.setattr(uvicorn.Server, "on_tick", on_tick)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("nobody asks it")

    async def serve() -> None:
        async with serving("it", app, listen("it", "HOST_API_PORT", "127.0.0.1", 0)):
            await served.wait()

    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        runner.run(serve())
    began, *later, last, over = ticks
    assert [round(at - began, 2) for at in [*later, last]] == [1.0, 2.0, 3.0]
    assert over - last < 0.1
