"""HTTP health checks for orchestrators and load balancers.

`/healthz` returns 200 while the worker runs: restart the host when it does not. `/readyz` returns
200 while the host can take a call. `/` and `/worker` are LiveKit's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
from aiohttp import web
from livekit.agents import AgentServer

from host.base.errors import port_not_free
from host.registry import Registry
from host.server.connection import Connection
from host.server.heartbeat_monitor import HeartbeatMonitor
from host.settings import Settings

log = logging.getLogger("host")

LIVEKIT_LIMIT = 5.0
"""Seconds that LiveKit's health check may take; it is in this process."""
CLOSING_LIMIT = 1.0
"""Seconds that a response in progress may take when the host stops."""


class Health:
    """The host's health and readiness."""

    def __init__(
        self,
        server: AgentServer,
        connection: Connection,
        calls: HeartbeatMonitor,
        max_calls: int,
        not_recorded: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`not_recorded` returns why no call could be recorded now; None if it could."""
        self._server, self._connection = server, connection
        self._calls, self._max_calls, self._not_recorded = calls, max_calls, not_recorded
        self.stopped = False
        """True once the worker has stopped."""

    def use(self, settings: Settings, loaded: Registry) -> None:
        """Judge by these settings from now on."""
        self._max_calls = settings.max_calls

    @property
    def unready(self) -> str | None:
        """Why the host can't take a call now; None if it can."""
        if why := self.closed:
            return why
        if len(self._calls) >= self._max_calls:
            return "max_calls is reached"
        return None

    @property
    def closed(self) -> str | None:
        """Why the host takes no calls at all, regardless of max_calls; None if it does."""
        if self.stopped:
            return "the worker has stopped"
        if self._calls.closed:
            return "draining: live calls finish, new calls go to other hosts"
        if not self._connection.up:
            return "not registered with LiveKit"
        return self._not_recorded()

    async def healthz(self, request: web.Request) -> web.Response:
        """Report whether the worker runs; any response proves that the event loop does."""
        return self._answer("the worker has stopped" if self.stopped else None)

    async def readyz(self, request: web.Request) -> web.Response:
        """Report whether the host can take a call now."""
        return self._answer(self.unready)

    async def livekits(self, request: web.Request) -> web.Response:
        """Forward LiveKit's own health check."""
        address = f"http://127.0.0.1:{self._server.worker_info.http_port}{request.path}"
        limit = aiohttp.ClientTimeout(total=LIVEKIT_LIMIT)
        try:
            async with aiohttp.ClientSession(timeout=limit) as http, http.get(address) as answer:
                body, kind = await answer.read(), answer.content_type
                return web.Response(status=answer.status, body=body, content_type=kind)
        except (aiohttp.ClientError, TimeoutError):
            return web.Response(status=503, text="the worker is not running")

    def _answer(self, reason: str | None) -> web.Response:
        state: dict[str, Any] = {
            "ok": reason is None,
            "reason": reason,
            "live_calls": len(self._calls),
            "max_calls": self._max_calls,
            "draining": self._calls.closed,
            "registered": self._connection.up,
        }
        return web.json_response(state, status=503 if reason else 200)


@contextlib.asynccontextmanager
async def answering(health: Health, host: str, port: int) -> AsyncIterator[None]:
    """Serve health checks inside the block. Port 0 is any free port, which the log shows.

    Raises SettingsError if the address can't be used.
    """
    app = web.Application()
    app.add_routes([web.get("/healthz", health.healthz), web.get("/readyz", health.readyz)])
    app.add_routes([web.get(path, health.livekits) for path in ("/", "/worker")])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSING_LIMIT)
    await runner.setup()
    try:
        await _listen(runner, host, port)
        yield
    finally:
        with contextlib.suppress(asyncio.TimeoutError):
            await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise port_not_free("HOST_HEALTH_PORT", host, port, error) from error
    log.info("health checks at http://%s:%d", host, runner.addresses[0][1])
