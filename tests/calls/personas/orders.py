"""Orders: has the tools of two MCP servers in this process, of which one never answers."""

import asyncio
from contextlib import asynccontextmanager

import host
from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the ordering one of the tests."


@hookimpl
def greeting(call):
    return "Order line, good morning."


@hookimpl
def tools(call):
    from livekit.agents.llm.mcp import MCPServer as Server
    from mcp.server.mcpserver import MCPServer

    orders = MCPServer("orders")

    @orders.tool()
    async def find_order(number: str) -> str:
        """Find an order."""
        await asyncio.sleep(0.5)
        return f"Order {number} comes on Friday."

    @orders.tool()
    async def find_parcel() -> str:
        """Find a parcel, which takes its time."""
        await asyncio.sleep(12)
        return "It is in Berlin."

    @orders.tool()
    async def end_call() -> str:
        """Hang up, which is the host's."""
        return "I don't."

    class Silent(Server):
        @asynccontextmanager
        async def client_streams(self):
            await asyncio.Event().wait()
            yield

    silent = Silent(client_session_timeout_seconds=5)
    return [host.mcp(silent), host.mcp(orders)]
