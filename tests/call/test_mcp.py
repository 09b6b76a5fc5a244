"""Tools of MCP servers: those that work, and those that are dead, slow, or lie."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession, ToolError, function_tool, llm
from mcp_servers import Kind, Liar, listed, said, seen_headers, served, shop

import host
from host.base.errors import HostError
from host.call.mcp import NEEDED, toolset
from host.call.mcp.offered import MOST
from host.call.mcp.results import LONGEST, LONGEST_ERROR
from host.call.mcp.toolset import McpTools

EITHER = pytest.mark.parametrize("kind", ["streamable_http", "sse"])


@asynccontextmanager
async def connected(server: Any, **options: Any) -> AsyncIterator[McpTools]:
    """The tools of a server, which was tried."""
    tools = host.mcp(server, **options)
    await tools.setup()
    await tools.tried.wait()
    try:
        yield tools
    finally:
        await tools.aclose()


def names(tools: McpTools) -> list[str]:
    return [tool.info.name for tool in tools.tools]  # type: ignore[union-attr]


async def use(tools: McpTools, name: str, **arguments: Any) -> str:
    found: dict[str, Any] = {tool.info.name: tool for tool in tools.tools}  # type: ignore[union-attr]
    return str(await found[name](arguments))


async def use_in_the_end(tools: McpTools, name: str, **arguments: Any) -> str:
    """Use a tool that may fail a few times: only then it is noticed that a connection is lost."""
    for _ in range(4):
        with contextlib.suppress(ToolError):
            return await use(tools, name, **arguments)
    return await use(tools, name, **arguments)


@pytest.fixture(autouse=True)
def time_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time enough for a real socket on a busy machine."""
    monkeypatch.setattr(toolset, "CONNECT_LIMIT", 60)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "host"]


@EITHER
async def test_a_tool_of_a_server_is_called(kind: Kind) -> None:
    async with served(shop(), kind) as url, connected(url) as tools:
        assert names(tools) == ["find_order"]
        assert await use(tools, "find_order", number="7") == "Order 7 comes on Friday."


@EITHER
async def test_headers_are_sent(kind: Kind) -> None:
    headers = {"Authorization": "Bearer t"}
    async with served(shop(seen_headers), kind) as url, connected(url, headers=headers) as tools:
        assert await use(tools, "seen_headers") == "Bearer t"


async def test_a_server_in_this_process_needs_no_address() -> None:
    async with connected(shop()) as tools:
        assert tools.name == "shop"
        assert await use(tools, "find_order", number="7") == "Order 7 comes on Friday."


async def test_livekit_s_own_servers_may_be_given() -> None:
    from livekit.agents.llm.mcp import MCPServerHTTP

    async with served(shop()) as url, connected(MCPServerHTTP(url)) as tools:
        assert names(tools) == ["find_order"]
        assert "comes on Friday" in await use(tools, "find_order", number="7")
        assert tools.name == url.split("/")[2]


async def test_tools_can_be_chosen(caplog: pytest.LogCaptureFixture) -> None:
    liar = Liar([listed("look_up"), listed("delete_all")])
    async with liar.served() as url, connected(url, tools=["look_up", "lookup"]) as tools:
        assert names(tools) == ["look_up"]
    (line,) = lines(caplog)
    assert "it has no tool 'lookup', but look_up, delete_all" in line


async def test_a_dead_server_costs_its_tools_and_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async with connected("http://127.0.0.1:9/mcp/a-token-of-many-letters") as tools:
        assert tools.tools == []
    assert lines(caplog) == [
        "MCP server 127.0.0.1:9: it can't be connected to: its tools are missing"
    ]
    assert [record.name for record in caplog.records] == ["host"]


async def test_a_token_that_is_rejected_is_named_as_such(caplog: pytest.LogCaptureFixture) -> None:
    liar = Liar()
    liar.status = 401
    async with liar.served() as url, connected(url, headers={"Authorization": "Bearer t"}) as tools:
        assert tools.tools == []
    (line,) = lines(caplog)
    assert "it rejects our headers (HTTP 401)" in line


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"status": 404}, "it answers with HTTP 404"),
        ({"page": "<html>"}, "it does not answer as MCP servers do"),
        ({"tools": "none"}, "it fails (ValidationError)"),
    ],
)
async def test_what_is_no_mcp_server_is_said_to_be_none(
    fault: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    liar = Liar()
    vars(liar).update(fault)
    async with liar.served() as url, connected(url) as tools:
        assert tools.tools == []
    (line,) = lines(caplog)
    assert f": {why}: its tools are missing" in line


@pytest.mark.parametrize("silent", ["initialize", "tools/list"])
async def test_the_call_does_not_wait_for_a_server_that_is_silent(
    silent: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolset, "CONNECT_LIMIT", 0.3)
    liar = Liar()
    liar.silent.add(silent)
    async with liar.served() as url:
        tools = host.mcp(url)
        await asyncio.wait_for(tools.setup(), 0.05)
        assert tools.tools == []
        await asyncio.wait_for(tools.tried.wait(), 30)
        await asyncio.wait_for(tools.aclose(), 30)
    (line,) = lines(caplog)
    assert "it does not answer" in line


async def test_a_server_that_comes_late_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolset, "PAUSES", (0, 0.1, 0.1))
    liar = Liar()
    liar.status = 503
    async with liar.served() as url, connected(url) as tools:
        assert tools.tools == []
        liar.status = 200
        while not tools.tools:
            await asyncio.sleep(0.02)
        assert await use(tools, "look_up") == "Found."


@EITHER
async def test_a_server_that_dies_costs_its_tool_and_may_come_back(
    kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(shop(), kind) as url:
        tools = host.mcp(url, timeout=2)
        await tools.setup()
        await tools.tried.wait()
    for _ in range(2):
        with pytest.raises(ToolError) as failed:
            await use(tools, "find_order", number="7")
        assert failed.value.message.startswith("find_order ")
        assert len(failed.value.message) < 100
    assert {record.name for record in caplog.records} <= {"host", "uvicorn.error"}
    assert all(line.count("\n") == 0 and "find_order failed: " in line for line in lines(caplog))
    port = int(url.split(":")[2].split("/")[0])
    async with served(shop(), kind, port):
        result = await use_in_the_end(tools, "find_order", number="7")
        assert result == "Order 7 comes on Friday."
        await tools.aclose()


async def test_a_tool_that_takes_too_long_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    liar = Liar()
    liar.silent.add("tools/call")
    async with liar.served() as url, connected(url, timeout=1) as tools:
        with pytest.raises(ToolError) as failed:
            await asyncio.wait_for(use(tools, "look_up"), 30)
        assert failed.value.message.startswith("look_up has not answered within 1 seconds")
        liar.silent.clear()
        assert await use_in_the_end(tools, "look_up") == "Found."


async def test_a_long_result_is_cut() -> None:
    async with Liar(result=said("x" * 100_000)).served() as url, connected(url) as tools:
        result = await use(tools, "look_up")
    assert result.startswith("xxx")
    assert result.endswith(f"[cut: {LONGEST} of 100000 characters]")
    assert len(result) < LONGEST + 100


@pytest.mark.parametrize("size", [2_000_000, 10_000_000])
async def test_a_result_of_megabytes_is_not_read(
    size: int, caplog: pytest.LogCaptureFixture
) -> None:
    liar = Liar(result=said("x" * size))
    async with liar.served() as url, connected(url) as tools:
        with pytest.raises(ToolError, match="look_up is not available right now"):
            await use(tools, "look_up")
        liar.result = said("Found.")
        assert await use(tools, "look_up") == "Found."
    assert ["its response is too large" in line for line in lines(caplog)] == [True]


async def test_an_event_of_megabytes_is_not_read() -> None:
    async def all_orders() -> str:
        """Return all of them."""
        return "x" * 3_000_000

    async with served(shop(all_orders), "sse") as url, connected(url) as tools:
        with pytest.raises(ToolError, match="all_orders is not available right now"):
            await use(tools, "all_orders")


async def test_a_server_s_own_error_is_for_the_model() -> None:
    result = {**said(f"There is no order 7. {'x' * 1000}"), "isError": True}
    async with Liar(result=result).served() as url, connected(url) as tools:
        with pytest.raises(ToolError) as failed:
            await use(tools, "look_up")
    assert failed.value.message.startswith("There is no order 7.")
    assert len(failed.value.message) < LONGEST_ERROR + 100


async def test_what_is_no_text_is_named() -> None:
    image = {"type": "image", "data": "aGVsbG8=", "mimeType": "image/png"}
    result = {"content": [{"type": "text", "text": "A map:"}, image]}
    async with Liar(result=result).served() as url, connected(url) as tools:
        assert await use(tools, "look_up") == "A map:\n[image]"


@pytest.mark.parametrize(
    ("tool", "why"),
    [
        (listed("look up"), "has a name that LLMs do not take"),
        (listed("x" * 65), "has a name that LLMs do not take"),
        (listed("look_up"), "is there twice"),
        (listed("other", anyOf=[]), "has parameters that LLMs do not take"),
        (listed("other", properties={"a": {"type": "no type"}}), "has parameters that LLMs"),
        (listed("other", description="x" * 20_000), "has too many parameters"),
    ],
)
async def test_a_tool_that_no_llm_takes_is_left_out(
    tool: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Liar([listed("look_up"), tool]).served() as url, connected(url) as tools:
        assert names(tools) == ["look_up"]
    (line,) = lines(caplog)
    assert why in line


async def test_a_server_can_not_fill_the_request_with_tools(
    caplog: pytest.LogCaptureFixture,
) -> None:
    many = [{**listed(f"tool_{at}"), "description": "x" * 5000} for at in range(90)]
    async with Liar(many).served() as url, connected(url) as tools:
        assert len(tools.tools) == MOST
        (first, *_) = tools.tools
        schema = first.info.raw_schema  # type: ignore[union-attr]
        assert len(schema["description"]) == 1024
        assert schema["parameters"] == {"type": "object", "properties": {}}
    (line,) = lines(caplog)
    assert "it has 90 tools, more than 40: choose some with `tools`" in line


async def test_a_name_that_is_taken_stays_with_the_persona(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @function_tool
    async def hang_up() -> None:
        """Hang up."""

    @function_tool
    async def of_agent() -> None:
        """Do what the agent does."""

    liar = Liar([listed("hang_up"), listed("of_agent"), listed("look_up")])
    async with liar.served() as url, connected(url) as first, connected(url) as second:
        session: AgentSession[None] = AgentSession(tools=[first, second, hang_up])
        for each in (first, second):
            each.join(session)
        assert names(first) == ["of_agent", "look_up"]
        await session.start(Agent(instructions="", tools=[of_agent]))
        for _ in range(3):
            assert names(first) == ["look_up"]
            assert names(second) == []
        await session.aclose()
    told = [line.partition(": ")[2] for line in lines(caplog)]
    assert sorted(told) == [
        f"its tool {name} gives way to another one"
        for name in ("hang_up", "hang_up", "look_up", "of_agent", "of_agent")
    ]


async def test_a_realtime_model_gets_the_tools_once_they_are_there() -> None:
    class Agents:
        tools: list[Any] = []
        updates = 0

        async def update_tools(self, tools: list[Any]) -> None:
            self.updates += 1

    # An AgentSession with a realtime model connects to its provider.
    model = type("Model", (llm.RealtimeModel,), {"__abstractmethods__": frozenset()})
    agent = Agents()
    tools = host.mcp(shop())
    session: Any = SimpleNamespace(llm=object.__new__(model), tools=[tools], current_agent=agent)
    tools.join(session)
    await tools.setup()
    while not agent.updates:
        await asyncio.sleep(0)
    assert names(tools) == ["find_order"]
    await tools.aclose()


async def test_without_the_package_there_are_no_tools_and_one_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "host.call.mcp.servers", raising=False)
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp.client.sse", None)
    async with connected("https://mcp.example/mcp") as tools:
        assert tools.tools == []
    assert lines(caplog) == [NEEDED]
    assert "pip install 'host[mcp]'" in NEEDED


@pytest.mark.parametrize("url", ["shop.invalid", "ftp://shop.invalid/mcp", "https:///mcp"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(HostError, match="must be an address such as https://") as told:
        host.mcp(url)
    assert url not in str(told.value)


async def test_tools_of_an_agent_that_comes_back_are_there_again() -> None:
    tools = host.mcp(shop())
    for _ in range(2):
        await tools.setup()
        while not tools.tools:
            await asyncio.sleep(0)
        assert await use(tools, "find_order", number="7") == "Order 7 comes on Friday."
        await tools.aclose()
        assert tools.tools == []


async def test_nothing_is_left_of_a_call(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "asyncio")
    async with served(shop()) as url:
        before = asyncio.all_tasks()
        async with connected(url) as tools:
            await use(tools, "find_order", number="7")
        await asyncio.sleep(0)
        left = {task.get_name() for task in asyncio.all_tasks() - before}
    assert not [name for name in left if "connecting" in name or "_run_client" in name]
