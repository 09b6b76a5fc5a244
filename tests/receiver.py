"""A receiver of webhooks: a real web server that can go away and come back at the same address."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable

from aiohttp import web
from coming_and_going import ComingAndGoing

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
Reply = Callable[[str], Awaitable[web.Response]]


class FarSide(ComingAndGoing):
    """A receiver, which is down at first: connections are refused, and nobody takes its port."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[str, dict[str, str], str]] = []
        """Each: the message's id, the headers, the body."""
        self.accepted: list[str] = []
        self.reply: Reply = self._accept

    @property
    def url(self) -> str:
        """The address to set as HOST_WEBHOOK_URL."""
        return f"http://127.0.0.1:{self.port}/calls?token=private"

    def application(self) -> web.Application:
        """Take messages."""
        app = web.Application()
        app.router.add_post("/calls", self._take)
        return app

    def tries(self, id: str) -> int:
        """How often a message came."""
        return sum(of == id for of, _, _ in self.requests)

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
