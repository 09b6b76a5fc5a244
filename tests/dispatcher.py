"""LiveKit as a worker's websocket sees it: takes its registration, hears its status, goes away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from aiohttp import WSMsgType, web
from livekit.agents import AgentServer, JobContext
from livekit.protocol import agent

LIMIT = 20.0
"""Seconds that anything awaited here may take; a worker waits up to 4 s between its first tries."""


class Dispatcher:
    """LiveKit's end of `/agent`, at an address that stays the same."""

    def __init__(self) -> None:
        self._socket = _listener(0)
        self.port = self._socket.getsockname()[1]
        self.registrations = 0
        self.status: agent.WorkerStatus | None = None
        """What the worker last told of itself."""
        self._runner: web.AppRunner | None = None
        self._news = asyncio.Event()

    async def up(self) -> None:
        """Take workers from now on."""
        app = web.Application()
        app.router.add_get("/agent", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def down(self) -> None:
        """Be gone as a killed server is: what was open is cut, and nobody answers."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
            self._socket = _listener(self.port)

    async def close(self) -> None:
        """Give the port back."""
        await self.down()
        self._socket.close()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds; looked at with each message of the worker."""
        async with asyncio.timeout(LIMIT):
            while not holds():
                self._news.clear()
                await self._news.wait()

    async def _take(self, request: web.Request) -> web.WebSocketResponse:
        worker = web.WebSocketResponse()
        await worker.prepare(request)
        async for message in worker:
            if message.type is not WSMsgType.BINARY:
                break
            told = agent.WorkerMessage.FromString(message.data)
            if told.WhichOneof("message") == "register":
                self.registrations += 1
                hello = agent.RegisterWorkerResponse(worker_id=f"AW_{self.registrations}")
                await worker.send_bytes(agent.ServerMessage(register=hello).SerializeToString())
            elif told.WhichOneof("message") == "update_worker":
                self.status = told.update_worker.status
            self._news.set()
        return worker


def a_worker(dispatcher: Dispatcher) -> AgentServer:
    """A worker of LiveKit's that has no process for calls."""

    async def answer(job: JobContext) -> None:
        raise NotImplementedError

    server = AgentServer(
        ws_url=f"ws://127.0.0.1:{dispatcher.port}",
        api_key="key",
        api_secret="secret-of-these-tests-and-of-nobody-else",
        load_fnc=lambda: 0.0,
        num_idle_processes=0,
        max_retry=1000,
        host="127.0.0.1",
        port=0,
    )
    server.rtc_session(answer, agent_name="host")
    return server


@contextlib.asynccontextmanager
async def taking_workers() -> AsyncIterator[Dispatcher]:
    """Have LiveKit's end up for a while."""
    dispatcher, environment = Dispatcher(), dict(os.environ)
    await dispatcher.up()
    try:
        yield dispatcher
    finally:
        await dispatcher.close()
        os.environ.clear()  # a worker leaves its address and keys there
        os.environ.update(environment)


@contextlib.asynccontextmanager
async def running(
    server: AgentServer, work: Coroutine[Any, Any, None] | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a worker, or what runs it, for a while."""
    task = asyncio.create_task(work or server.run(devmode=True))
    try:
        yield task
    finally:
        await server.aclose()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _listener(port: int) -> socket.socket:
    """Hold a port; while nobody listens there, connections are refused."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    return held
