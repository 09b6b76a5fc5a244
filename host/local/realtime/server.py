"""The server: authenticates clients and lists what models said."""

from collections.abc import Iterable
from itertools import count

from aiohttp import WSCloseCode, web

from host.local.realtime.connection import Connection
from host.local.realtime.session import Session
from host.local.rules import Rule
from host.local.server import WRONG_KEY, LocalServer
from host.local.speech import Sentences

LARGEST_EVENT = 16 * 1024 * 1024
"""Bytes, as in OpenAI's limit for audio."""


class RealtimeServer(LocalServer):
    """Serves realtime models on loopback: `RealtimeModel(base_url=server.url, api_key="local")`.

    `sentences` are what callers may say; what models say is added to `agents`.
    """

    def __init__(
        self,
        sentences: Sentences,
        replies: Iterable[Rule] = (),
        *,
        agents: Sentences | None = None,
    ) -> None:
        self.agents = Sentences() if agents is None else agents
        self.spoken: list[str] = []
        """Every text that a model said, in order, whether or not it was heard to its end."""
        self._callers, self._rules = sentences, tuple(replies)
        self._numbers = count(1)
        self._sockets: set[web.WebSocketResponse] = set()

    def application(self) -> web.Application:
        """Serve the websocket at OpenAI's path, and without `/v1`."""
        app = web.Application()
        for path in ("/realtime", "/v1/realtime"):
            app.router.add_get(path, self._serve)
        app.on_shutdown.append(self._send_away)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or key in ("", WRONG_KEY):
            error = {"type": "invalid_request_error", "code": "invalid_api_key"}
            body = {"error": {**error, "message": "Incorrect API key provided."}}
            return web.json_response(body, status=401)
        socket = web.WebSocketResponse(max_msg_size=LARGEST_EVENT, compress=False, timeout=1)
        await socket.prepare(request)
        self._sockets.add(socket)
        connection = Connection(
            socket,
            Session(self._new_id("sess"), request.query.get("model", "gpt-realtime")),
            callers=self._callers,
            rules=self._rules,
            new_id=self._new_id,
            remember=self._remember,
        )
        try:
            await connection.serve()
        finally:
            self._sockets.discard(socket)
        return socket

    async def _send_away(self, app: web.Application) -> None:
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    def _new_id(self, kind: str) -> str:
        """Return an id that is unique among connections and the same in each run."""
        return f"{kind}_{next(self._numbers)}"

    def _remember(self, words: str) -> None:
        self.spoken.append(words)
        self.agents.add(words)
