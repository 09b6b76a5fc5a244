"""Tools of MCP servers, for `mcp` of host.toml and for authors: `host.mcp(...)`."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from host.base.errors import HostError
from host.settings.mcp import Transport

if TYPE_CHECKING:
    from host.call.mcp.toolset import McpTools

__all__ = ["NEEDED", "installed", "mcp"]

log = logging.getLogger("host")

NEEDED = "MCP servers need the package mcp: pip install 'host[mcp]'"


def mcp(
    server: Any,
    *,
    tools: Collection[str] = (),
    headers: Mapping[str, str | SecretStr] | None = None,
    transport: Transport = "auto",
    timeout: float = 20.0,
) -> McpTools:
    """Return the tools of an MCP server, as one of the answers of the hook `tools`.

    `server` is an address; or LiveKit's `MCPServerStdio` or `MCPServerHTTP`; or, for tests, a
    server of the package `mcp` in this process. `tools` are the names of the tools to offer; empty:
    all. `headers` and `transport` ("streamable_http", "sse" or "auto") are for an address.
    `timeout` is the seconds that a tool may take.

    The server is connected to while the call begins, which does not wait for it. One that can't be
    reached costs its tools, and never the call. Raises HostError for an address that is none.
    """
    # Here, so that `import host` does not load livekit-agents.
    from host.call.mcp.toolset import McpTools

    try:
        from host.call.mcp.servers import opened
    except ImportError:
        log.error("%s", NEEDED)
        return McpTools(None, name="mcp", timeout=timeout)
    plain = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in (headers or {}).items()
    }
    try:
        name, connected = opened(server, plain, transport, timeout)
    except ValueError as error:
        raise HostError(f"mcp: the address {error}") from error
    return McpTools(connected, name=name, wanted=tools, timeout=timeout)


def installed() -> bool:
    """Return whether MCP servers can be used here."""
    from importlib.util import find_spec

    return find_spec("mcp") is not None
