"""A receiver of webhooks: a real web server that can go away and come back at the same address."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
Reply = Callable[[str], Awaitable[web.Response]]


class FarSide:
    """A receiver, which is down at first: connections are refused, and nobody takes its port."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], str]] = []
        """Each: the message's id, the headers, the body."""
        self.accepted: list[str] = []
        self.reply: Reply = self._accept
        self._socket = _reserved(0)
        self.port = self._socket.getsockname()[1]
        self._runner: web.AppRunner | None = None
        self._news = asyncio.Event()

    @property
    def url(self) -> str:
        """The address to set as HOST_WEBHOOK_URL."""
        return f"http://127.0.0.1:{self.port}/calls?token=private"

    async def up(self) -> None:
        """Take messages from now on."""
        app = web.Application()
        app.router.add_post("/calls", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def down(self) -> None:
        """Refuse connections from now on."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
            self._socket = _reserved(self.port)

    async def close(self) -> None:
        """Give the port back."""
        await self.down()
        self._socket.close()

    def tries(self, id: str) -> int:
        """How often a message came."""
        return sum(of == id for of, _, _ in self.requests)

    async def until(self, holds: Callable[[], bool], limit: float = 20.0) -> None:
        """Wait until something holds; looked at after each request."""
        async with asyncio.timeout(limit):
            while not holds():
                self._news.clear()
                await self._news.wait()

    async def _accept(self, id: str) -> web.Response:
        return web.Response(status=204)

    async def _take(self, request: web.Request) -> web.Response:
        id, body = request.headers["webhook-id"], await request.text()
        self.requests.append((id, dict(request.headers), body))
        self._news.set()
        response = await self.reply(id)
        if 200 <= response.status < 300:
            self.accepted.append(id)
            self._news.set()
        return response


def _reserved(port: int) -> socket.socket:
    """Have a port without listening at it."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", port))
    return reserved
