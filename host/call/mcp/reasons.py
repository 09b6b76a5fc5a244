"""Why an MCP server can't be used, in a few words that have no address, header or data."""

from __future__ import annotations

from collections.abc import Iterator

from host.base.text import sanitize

CONNECT_LIMIT = 5.0
"""Seconds in which a server has to be connected to, and to list its tools."""
TIMEOUT = "it does not answer"
_TIMED_OUT = (-32001, 408)
"""Codes with which the package `mcp` reports that no answer came in time."""
_REFUSED = (-32602, -32601)
"""JSON-RPC: invalid params, method not found."""
_CODES = {
    -32000: "the connection is lost",
    -32600: "it does not answer as MCP servers do",
    -32700: "its response is too large, or can't be read",
}
"""What other codes of the package `mcp` mean."""


def reason_for(error: BaseException, status: int = 0) -> str:
    """Return the reason; `status` is the HTTP status of a request that was refused, or 0."""
    if status in (401, 403):
        return f"it rejects our headers (HTTP {status})"
    if status:
        return f"it answers with HTTP {status}"
    errors = [*_leaves(error)]
    if any(isinstance(each, TimeoutError) or "Timeout" in type(each).__name__ for each in errors):
        return TIMEOUT
    codes = [code for each in errors if isinstance(code := getattr(each, "code", None), int)]
    if any(code in _TIMED_OUT for code in codes):
        return TIMEOUT
    if known := next((_CODES[code] for code in codes if code in _CODES), ""):
        return known
    if any(type(each).__name__ == "ConnectError" for each in errors):
        return "it can't be connected to"
    return f"it fails ({', '.join(dict.fromkeys(type(each).__name__ for each in errors))})"


def refusal_in(error: BaseException) -> str:
    """Return a server's own words about a request that it has understood; empty if it has not."""
    for each in _leaves(error):
        if getattr(each, "code", None) in _REFUSED:
            return sanitize(str(each), 1000)
    return ""


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error
