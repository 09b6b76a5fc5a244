"""Offers the LLM the tools of MCP servers, `mcp` of host.toml."""

from __future__ import annotations

import logging
from typing import Any

import host
from host import Call, hookimpl

log = logging.getLogger("host")


@hookimpl
def tools(call: Call) -> list[Any]:
    """Return a toolset for each server. One without its variables is left out, with a log line."""
    made = []
    for server in call.persona_settings.mcp:
        if server.missing:
            log.error("MCP server %s: %s is not set", server.name, ", ".join(server.missing))
            continue
        made.append(
            host.mcp(
                server.target,
                tools=server.tools,
                headers=server.whole_headers,
                transport=server.transport,
                timeout=server.timeout,
            )
        )
    return made
