"""MCP servers: whether each can be reached, and has the tools that are chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from host.base.errors import HostError
from host.cli.doctor.deployment import Deployment
from host.cli.doctor.finding import Finding, failure, warning
from host.settings import McpServer

MISSING = "calls go on without its tools"


def complete(deployment: Deployment) -> Iterator[Finding]:
    """Find packages and variables that are missing."""
    from host.server.admission import faults_of_mcp

    for fault in faults_of_mcp(deployment.complete):
        what, _, mend = fault.rpartition(": ")
        yield failure(what, "the host does not start", mend)


async def reachable(deployment: Deployment) -> Iterable[Finding]:
    """Find servers that can't be used, or not as host.toml says."""
    from host.call.mcp import installed

    used = _used(deployment) if installed() else []
    found = await asyncio.gather(*(_try(server, personas) for server, personas in used))
    return [finding for findings in found for finding in findings]


def _used(deployment: Deployment) -> list[tuple[McpServer, list[str]]]:
    """Return the servers whose variables are set, each with the personas that have it."""
    used: list[tuple[McpServer, list[str]]] = []
    for persona in deployment.loaded.personas:
        for server in deployment.complete.persona(persona).mcp:
            if server.missing:
                continue  # mcp.complete says so
            known = next((names for each, names in used if each == server), None)
            if known is None:
                used.append((server, [persona]))
            else:
                known.append(persona)
    return used


async def _try(server: McpServer, personas: list[str]) -> list[Finding]:
    """Connect to a server, and look at its tools."""
    from host.call.mcp import mcp

    who = f"mcp of {', '.join(personas)}: {server.name}"
    tools = mcp(
        server.target,
        tools=server.tools,
        headers=server.whole_headers,
        transport=server.transport,
        timeout=server.timeout,
    )
    try:
        await tools.connect()
    except HostError as error:
        return [warning(f"{who}: {error}", MISSING, _mend(server, str(error)))]
    finally:
        await tools.aclose()
    mend = "correct `tools` of this server in host.toml, or the server"
    return [warning(f"{who}: {fault}", "calls go on without it", mend) for fault in tools.faults]


def _mend(server: McpServer, reason: str) -> str:
    if "headers" in reason:
        where = f" into {', '.join(sorted(server.references))}" if server.references else ""
        return f"put a valid token{where or ' into its headers in host.toml'}"
    return "let this machine connect to it, or correct its address or transport in host.toml"
