"""A transparent proxy to livekit-server for HTTP and websockets.

It logs nothing, since queries and responses may contain tokens.
"""

import asyncio
import contextlib
import io
import logging

import aiohttp
from aiohttp import WSMsgType, web
from multidict import CIMultiDict
from yarl import URL

_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_OURS = _HOP_BY_HOP | {"host", "content-length"}

Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse

log = logging.getLogger(__name__)


class Proxy:
    """Forwards requests to one livekit-server, at its `http://` URL."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream.rstrip("/")
        self._open: set[Socket] = set()
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        )

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        """Forward a request and return the server's response."""
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._websocket(request)
            return await self._http(request)
        except (aiohttp.ClientConnectionError, TimeoutError):
            return web.Response(status=503, text="livekit-server can't be reached")

    async def close(self) -> None:
        """Close all websockets and the session."""
        for socket in list(self._open):
            with contextlib.suppress(Exception):
                async with asyncio.timeout(1):
                    await socket.close(code=1001)
        await self._session.close()

    def _url(self, request: web.Request) -> URL:
        # The raw path: decoding and encoding would change tokens and base64 in the query.
        return URL(self._upstream + request.raw_path, encoded=True)

    async def _http(self, request: web.Request) -> web.Response:
        headers = CIMultiDict(
            (name, value) for name, value in request.headers.items() if name.lower() not in _OURS
        )
        body = await request.read()
        async with self._session.request(
            request.method,
            self._url(request),
            headers=headers,
            data=io.BytesIO(body) if body else None,
            allow_redirects=False,
        ) as answer:
            content = await answer.read()
            kept = CIMultiDict(
                (name, value) for name, value in answer.headers.items() if name.lower() not in _OURS
            )
            return web.Response(
                status=answer.status, reason=answer.reason, headers=kept, body=content
            )

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        headers = CIMultiDict(
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in _OURS and not name.lower().startswith("sec-websocket-")
        )
        asked = request.headers.get("Sec-WebSocket-Protocol", "")
        protocols = [name.strip() for name in asked.split(",") if name.strip()]
        # Connect to the server first, so that a client sees the status of its rejection.
        try:
            server = await self._session.ws_connect(
                self._url(request),
                headers=headers,
                protocols=protocols,
                autoclose=False,
                autoping=False,
                compress=0,
                max_msg_size=0,
            )
        except aiohttp.WSServerHandshakeError as refusal:
            return web.Response(status=refusal.status, text=refusal.message)
        client = web.WebSocketResponse(
            protocols=[server.protocol] if server.protocol else [],
            autoclose=False,
            autoping=False,
            compress=False,
            max_msg_size=0,
        )
        self._open |= {client, server}
        try:
            await client.prepare(request)
            await self._join(client, server)
        finally:
            self._open -= {client, server}
            await server.close()
            if not client.closed and request.transport:
                # The server closed without a close frame; do the same to the client.
                request.transport.abort()
        return client

    async def _join(self, client: Socket, server: Socket) -> None:
        """Forward messages in both directions until one side closes."""
        ways = {
            asyncio.create_task(_pass_messages(client, server)),
            asyncio.create_task(_pass_messages(server, client)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


async def _pass_messages(source: Socket, sink: Socket) -> None:
    """Forward messages, pings and pongs included, so that a heartbeat tests the far end."""
    with contextlib.suppress(ConnectionError, aiohttp.ClientError):
        while True:
            message = await source.receive()
            if message.type is WSMsgType.TEXT:
                await sink.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await sink.send_bytes(message.data)
            elif message.type is WSMsgType.PING:
                await sink.ping(message.data)
            elif message.type is WSMsgType.PONG:
                await sink.pong(message.data)
            elif message.type is WSMsgType.CLOSE:
                code = message.data if message.data and message.data not in (1005, 1006) else 1000
                async with asyncio.timeout(2):
                    await asyncio.gather(
                        sink.close(code=code, message=(message.extra or "").encode()),
                        source.close(code=code),
                    )
                return
            else:
                return
