"""MCP servers for tests: real ones of the package `mcp`, and some that lie."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Literal

import uvicorn
from aiohttp import web
from aiohttp.test_utils import TestServer
from mcp.server.mcpserver import Context, MCPServer

Kind = Literal["streamable_http", "sse"]
PATHS = {"streamable_http": "/mcp", "sse": "/sse"}


def shop(*tools: Callable[..., Any]) -> MCPServer:
    """A server that knows orders; `tools` are more of its tools."""
    server = MCPServer("shop")

    @server.tool()
    async def find_order(number: str) -> str:
        """Find an order by its number."""
        return f"Order {number} comes on Friday."

    for each in tools:
        server.add_tool(each)
    return server


async def seen_headers(context: Context[Any, Any]) -> str:
    """Return the header that shows who calls."""
    headers = context.headers or {}
    return str(headers.get("authorization"))


class _Served(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to pytest."""
        yield


@contextlib.asynccontextmanager
async def served(
    server: MCPServer, kind: Kind = "streamable_http", port: int = 0
) -> AsyncIterator[str]:
    """Serve it on loopback; yield its address."""
    app = server.sse_app() if kind == "sse" else server.streamable_http_app()
    config = uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=0)
    listening = socket.create_server(("127.0.0.1", port))  # from now on, who connects is served
    bound = listening.getsockname()[1]
    serving = _Served(config)
    task = asyncio.create_task(serving.serve([listening]))
    try:
        yield f"http://127.0.0.1:{bound}{PATHS[kind]}"
    finally:
        serving.should_exit = True
        await task
        with warnings.catch_warnings():  # streams that the package's server (2.3) leaves open
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


class Liar:
    """A server that speaks JSON-RPC by hand, and answers what it is told."""

    def __init__(self, tools: list[dict[str, Any]] | None = None, result: Any = None) -> None:
        self.tools = tools if tools is not None else [listed("look_up")]
        self.result = result if result is not None else said("Found.")
        self.status = 200
        self.page = ""
        """An HTML page that it answers, if there is one."""
        self.silent: set[str] = set()
        """Methods that are never answered."""
        self.released = asyncio.Event()
        self.methods: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        if request.method != "POST" or self.status != 200:
            return web.Response(status=self.status if self.status != 200 else 405)
        if self.page:
            return web.Response(text=self.page, content_type="text/html")
        asked = await request.json()
        self.methods.append(asked["method"])
        if asked["method"] in self.silent:
            await self.released.wait()
        if "id" not in asked:
            return web.Response(status=202)
        results = {
            "initialize": {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "liar", "version": "1"},
            },
            "tools/list": {"tools": self.tools},
            "tools/call": self.result,
        }
        reply = {"jsonrpc": "2.0", "id": asked["id"], "result": results.get(asked["method"], {})}
        return web.Response(text=json.dumps(reply), content_type="application/json")

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """Serve it on loopback; yield its address."""
        app = web.Application()
        app.router.add_route("*", "/mcp", self.answer)
        async with TestServer(app, host="127.0.0.1") as server:
            try:
                yield str(server.make_url("/mcp"))
            finally:
                self.released.set()


def listed(name: str, **schema: Any) -> dict[str, Any]:
    """A tool as `tools/list` has it."""
    return {"name": name, "description": "Look it up.", "inputSchema": {"type": "object", **schema}}


def said(text: str) -> dict[str, Any]:
    """A result as `tools/call` has it."""
    return {"content": [{"type": "text", "text": text}]}
