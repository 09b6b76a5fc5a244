"""What a page needs to join a room of LiveKit: its address, the policy that allows it, a token."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from host.settings import Settings

_NETLOC = re.compile(r"[A-Za-z0-9.-]+(:\d+)?")
"""What may stand in a policy."""


def address(settings: Settings) -> str:
    """Return LiveKit's address for browsers."""
    return settings.console_livekit_url or settings.livekit_url


def open_line(request: Request, settings: Settings) -> None:
    """Let the page of this request use the microphone, and connect to LiveKit."""
    request.state.livekit = origins(address(settings))


def origins(url: str) -> str:
    """Return the origins of a LiveKit server for `connect-src`; empty if the URL has none."""
    parts = urlsplit(url)
    if not _NETLOC.fullmatch(parts.netloc):
        return ""
    safe = parts.scheme in ("wss", "https")
    ways = ("wss", "https") if safe else ("ws", "http")
    return " ".join(f"{way}://{parts.netloc}" for way in ways)


def ticket(settings: Settings, token: str, **more: str) -> Response:
    """Tell the page's script where and with which token to join."""
    return JSONResponse({"url": address(settings), "token": token, **more})


def refused(status: int, fault: object) -> Response:
    """Tell the page's script in a line why it may not join."""
    return JSONResponse({"fault": str(fault)}, status)
