"""LiveKit as a worker's websocket sees it: takes its registration, hears its status, goes away."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from aiohttp import WSMsgType, web
from coming_and_going import ComingAndGoing
from livekit.agents import AgentServer, JobContext
from livekit.protocol import agent

LIMIT = 20.0
"""Seconds that anything awaited here may take; a worker waits up to 4 s between its first tries."""


class Dispatcher(ComingAndGoing):
    """LiveKit's end of `/agent`, at an address that stays the same."""

    def __init__(self) -> None:
        super().__init__()
        self.registrations = 0
        self.status: agent.WorkerStatus | None = None
        """What the worker last told of itself."""

    def application(self) -> web.Application:
        """Take workers."""
        app = web.Application()
        app.router.add_get("/agent", self._take)
        return app

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
