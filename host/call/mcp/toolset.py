"""The tools of one MCP server in one call. A server that fails costs its tools, not the call."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

from livekit.agents import Agent, AgentSession, ToolError, function_tool, llm
from livekit.agents.llm.async_toolset import AsyncToolset
from livekit.agents.utils import shortuuid

from host.base.errors import HostError
from host.call.mcp.offered import schema_of, usable
from host.call.mcp.reasons import CONNECT_LIMIT, TIMEOUT, reason_for, refusal_in
from host.call.mcp.results import LONGEST_ERROR, cut

if TYPE_CHECKING:
    from livekit.agents.llm.mcp import MCPServer

log = logging.getLogger("host")

PAUSES = (0.0, 5.0, 20.0)
"""Seconds before each attempt to connect."""
FIRST_REPLY_LIMIT = 1.0
"""Seconds that a persona's first reply after a handover waits for its servers."""
CLOSING_LIMIT = 1.0
"""Seconds that closing a connection may take."""
RESERVED = frozenset({"lk_agents_get_running_tasks", "lk_agents_cancel_task"})
"""Names of tools that LiveKit may add."""
UNAVAILABLE = "{tool} is not available right now. Do not promise anything that depends on it."
TOO_SLOW = "{tool} has not answered within {timeout:g} seconds. It may or may not have been done."


class McpTools(AsyncToolset):
    """A toolset that is empty until its server has listed its tools.

    A tool whose name another one of the session has is left out: LiveKit would fail otherwise.
    """

    def __init__(
        self,
        server: MCPServer | None,
        *,
        name: str,
        wanted: Collection[str] = (),
        timeout: float = 20.0,
    ) -> None:
        super().__init__(id=f"mcp_{shortuuid()}")
        self._server, self._wanted, self._timeout = server, wanted, timeout
        self.name = name
        """The server's name for people: no secrets."""
        self.faults: list[str] = []
        """What is wrong with what the server has listed, a clause each."""
        self.tried = asyncio.Event()
        """Set once the server has listed its tools, or could not be reached."""
        self._offered: list[llm.RawFunctionTool[..., Any]] = []
        self._lost: set[str] = set()
        """Names that another tool has, or had: LiveKit may still look at the agent before."""
        self._told: set[str] = set()
        """Names of our tools of which the log says that they are lost."""
        self._session: AgentSession[Any] | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    def join(self, session: AgentSession[Any]) -> None:
        """Note the session, whose other tools have the first right to their names."""
        self._session = session

    @property
    def tools(self) -> list[llm.Tool | llm.Toolset]:
        """The tools whose names nobody else has."""
        self._lost.update(_taken(self, self._session))
        names = {tool.info.name for tool in self._offered}
        for name in sorted(names & self._lost - self._told):
            self._told.add(name)
            log.warning("MCP server %s: its tool %s gives way to another one", self.name, name)
        return [tool for tool in self._offered if tool.info.name not in self._lost]

    async def setup(self) -> Self:
        """Begin to connect. LiveKit calls this for each agent that starts, and waits for it."""
        await super().setup()
        if self._server is None:
            self.tried.set()
        elif self._connecting is None:
            self._connecting = asyncio.create_task(self._keep_trying(), name="connecting to MCP")
        return self

    async def connect(self) -> None:
        """Connect, and ask for the tools. Raises HostError, which says why not."""
        assert self._server is not None
        try:
            async with self._lock, asyncio.timeout(CONNECT_LIMIT):
                if not self._server.initialized:
                    await self._server.initialize()
                good, self.faults = usable(await self._server.list_tools(), self._wanted)
        except (Exception, BaseExceptionGroup) as error:
            why = reason_for(error, getattr(self._server, "status", 0))
            await self._drop()
            raise HostError(why) from error
        # Tools that are there already keep their identity: LiveKit compares them.
        self._offered = self._offered or [self._guarded(tool) for tool in good]

    async def aclose(self) -> None:
        """Stop connecting, and close the connection."""
        if self._connecting:
            self._connecting.cancel()
            self._connecting = None  # an agent that comes back sets its tools up again
        await super().aclose()
        await self._drop()
        self._offered = []

    async def _keep_trying(self) -> None:
        for pause in PAUSES:
            await asyncio.sleep(pause)
            try:
                await self.connect()
            except HostError as error:
                if not self.tried.is_set():
                    log.warning("MCP server %s: %s: its tools are missing", self.name, error)
                self.tried.set()
                continue
            for fault in self.faults:
                log.warning("MCP server %s: %s", self.name, fault)
            self.tried.set()
            with contextlib.suppress(Exception):  # the session is closing
                await self._tell_realtime_model()
            return

    async def _tell_realtime_model(self) -> None:
        """Give a realtime model the tools; others get them with each request."""
        if self._session and isinstance(self._session.llm, llm.RealtimeModel):
            agent = self._session.current_agent
            await agent.update_tools(agent.tools)

    def _guarded(self, tool: llm.RawFunctionTool[..., Any]) -> llm.RawFunctionTool[..., Any]:
        """Return a tool with limits of time and length, whose failures the LLM can read."""
        name = tool.info.name

        async def call(raw_arguments: dict[str, object]) -> str:
            try:
                if self._server is not None and not self._server.initialized:
                    await self.connect()
                async with asyncio.timeout(self._timeout):
                    return cut(str(await tool(raw_arguments)))
            except ToolError as error:
                raise ToolError(cut(error.message, LONGEST_ERROR)) from None
            except HostError as error:  # it can't be connected to
                log.warning("MCP server %s: %s failed: %s", self.name, name, error)
                raise ToolError(UNAVAILABLE.format(tool=name)) from None
            except (Exception, BaseExceptionGroup) as error:
                raise ToolError(await self._failed(name, error)) from None

        return function_tool(call, raw_schema=schema_of(tool))

    async def _failed(self, tool: str, error: BaseException) -> str:
        """Log why a tool has failed; return what the LLM reads."""
        if refusal := refusal_in(error):  # the server has understood the request
            log.warning("MCP server %s: it refuses a call of %s", self.name, tool)
            return cut(refusal, LONGEST_ERROR)
        why = reason_for(error)
        log.warning("MCP server %s: %s failed: %s", self.name, tool, why)
        if why == TIMEOUT:
            return TOO_SLOW.format(tool=tool, timeout=self._timeout)
        await self._drop()  # the next call connects again
        return UNAVAILABLE.format(tool=tool)

    async def _drop(self) -> None:
        """Close the connection, if there is one."""
        if self._server is None:
            return
        closing = asyncio.ensure_future(self._server.aclose())
        # Not `wait_for`: LiveKit (1.8.9) raises there what the connection has failed with, also a
        # CancelledError, which would look like one of ours.
        await asyncio.wait({closing}, timeout=CLOSING_LIMIT)
        closing.add_done_callback(_forget)
        closing.cancel()


def _forget(closing: asyncio.Future[None]) -> None:
    """Look at how a closing went: asyncio would log it otherwise."""
    if not closing.cancelled():
        closing.exception()


def join_mcp_tools(session: AgentSession[Any], agent: Agent) -> None:
    """Let the toolsets of MCP servers know the other tools of a session and its agent."""
    for tool in (*session.tools, *agent.tools):
        if isinstance(tool, McpTools):
            tool.join(session)


async def wait_for_servers(tools: Iterable[Any], limit: float | None = None) -> None:
    """Wait until each MCP server among tools was tried, at most `limit` seconds (CONNECT_LIMIT)."""
    servers = [tool for tool in tools if isinstance(tool, McpTools)]
    waiting = [asyncio.ensure_future(each.tried.wait()) for each in servers]
    if waiting:
        _, late = await asyncio.wait(waiting, timeout=CONNECT_LIMIT if limit is None else limit)
        for each in late:
            each.cancel()


def _taken(toolset: McpTools, session: AgentSession[Any] | None) -> Iterator[str]:
    """Yield the names of tools that come before those of a toolset."""
    yield from RESERVED
    if session is None:
        return
    tools: list[llm.Tool | llm.Toolset] = [*session.tools]
    with contextlib.suppress(RuntimeError):  # it is not running
        tools += session.current_agent.tools
    before = True
    for each in tools:
        if each is toolset:
            before = False
        elif not isinstance(each, McpTools):
            yield from _names([each])
        elif before:
            yield from (tool.info.name for tool in each._offered)


def _names(tools: Iterable[llm.Tool | llm.Toolset]) -> Iterator[str]:
    for tool in tools:
        if isinstance(tool, llm.Toolset):
            yield from _names(tool.tools)
        elif isinstance(tool, llm.FunctionTool | llm.RawFunctionTool):
            yield tool.info.name
