"""Connections to MCP servers, as LiveKit's MCPServer; needs the package `mcp`."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
from livekit.agents.llm.mcp import MCPServer
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from host.base.text import sanitize
from host.call.mcp.reasons import CONNECT_LIMIT
from host.call.mcp.results import as_text
from host.settings.mcp import Transport, address, name_of

# They log tracebacks, with what the server sent: a conversation's data. McpTools says it in a line.
for name in ("mcp.client", "mcp.shared"):
    logging.getLogger(name).setLevel(logging.CRITICAL)
# It logs each request with its address, which may have a token.
logging.getLogger("httpx2").setLevel(logging.WARNING)

log = logging.getLogger("host")

SSE_LIMIT = 300.0
"""Seconds without an event after which a stream of the SSE transport is given up."""
GRACE = 2.0
"""Seconds between limits: first that of McpTools, then the session's, then that of HTTP."""
LARGEST = 1_000_000
"""Maximum bytes of one response. For events, the package `mcp` has the same limit."""


def opened(
    server: Any, headers: Mapping[str, str], transport: Transport, timeout: float
) -> tuple[str, MCPServer]:
    """Return a server's name for people, and the server. Raises ValueError, without the address."""
    if isinstance(server, str):
        path = urlsplit(address(server)).path
        sse = transport == "sse" or (
            transport == "auto" and path.rstrip("/").lower().endswith("/sse")
        )
        return name_of(server), HttpServer(server, headers, sse=sse, timeout=timeout)
    if isinstance(server, MCPServer):
        url = getattr(server, "url", None)
        name = name_of(url) if url else type(server).__name__
        return name, server
    return sanitize(str(getattr(server, "name", "mcp")), 60), InProcess(server, timeout=timeout)


def _request_limit(timeout: float) -> float:
    """Return the limit of any request, in seconds. McpTools has shorter ones, for each kind."""
    return max(timeout, CONNECT_LIMIT) + GRACE


class HttpServer(MCPServer):
    """A server at an address. Not LiveKit's MCPServerHTTP, which reads replies of any length."""

    def __init__(self, url: str, headers: Mapping[str, str], *, sse: bool, timeout: float) -> None:
        limit = _request_limit(timeout)
        super().__init__(client_session_timeout_seconds=limit, tool_result_resolver=as_text)
        self._url, self._headers, self._sse, self._limit = url, dict(headers), sse, limit
        self.status = 0
        """HTTP status of the last request that was refused; 0: none was."""

    @asynccontextmanager
    async def client_streams(self) -> AsyncIterator[Any]:
        """Connect. A connection that breaks later is logged by whoever uses it next."""
        self.status = 0
        try:
            async with self._transport() as streams:
                yield streams
        except Exception as error:
            if not self.initialized:
                raise
            log.debug("an MCP connection is lost: %s", type(error).__name__)

    def _transport(self) -> AbstractAsyncContextManager[Any]:
        if self._sse:
            return sse_client(
                self._url,
                headers=self._headers,
                timeout=CONNECT_LIMIT,
                sse_read_timeout=SSE_LIMIT,
                httpx_client_factory=self._http,
            )
        return self._streamable()

    @asynccontextmanager
    async def _streamable(self) -> AsyncIterator[Any]:
        limits = httpx2.Timeout(CONNECT_LIMIT, read=self._limit + GRACE)
        async with (
            self._http(self._headers, limits) as client,
            streamable_http_client(self._url, http_client=client) as streams,
        ):
            yield streams

    def _http(
        self,
        headers: Mapping[str, str] | None = None,
        timeout: httpx2.Timeout | None = None,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            headers={**(headers or {}), "Accept-Encoding": "identity"},
            timeout=timeout or CONNECT_LIMIT,
            auth=auth,
            event_hooks={"response": [self._on_response]},
        )

    async def _on_response(self, response: httpx2.Response) -> None:
        """Note a refusal, and bound what is read of the body."""
        # A server need not have the stream that is opened by GET beside the POST requests.
        if response.status_code >= 400 and (self._sse or response.request.method == "POST"):
            self.status = response.status_code
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise httpx2.DecodingError("compressed, though it was not asked for")
        kind = response.headers.get("content-type", "").lower()
        if not kind.startswith("text/event-stream"):
            assert isinstance(response.stream, httpx2.AsyncByteStream)
            response.stream = _Bounded(response.stream)


class _Bounded(httpx2.AsyncByteStream):
    """A body of which at most LARGEST bytes are read."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > LARGEST:
                raise httpx2.StreamError("the response is too large")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class InProcess(MCPServer):
    """A server of the package `mcp` in this process, for tests: nothing is sent anywhere."""

    def __init__(self, server: Any, *, timeout: float) -> None:
        limit = _request_limit(timeout)
        super().__init__(client_session_timeout_seconds=limit, tool_result_resolver=as_text)
        self._server = server

    def client_streams(self) -> AbstractAsyncContextManager[Any]:
        """Connect through memory."""
        # Private (mcp 2.3): the package's own Client takes a server, but gives no streams.
        from mcp.client._memory import InMemoryTransport

        return InMemoryTransport(self._server)
