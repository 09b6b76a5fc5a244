"""What stands before the API: the token, the rate, the time for a request, one line in the log."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import Any

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from host.api.token import is_token

log = logging.getLogger("host")

BODY_TIME = 10.0
"""Seconds that a client may take to send a request."""
READS = 10
"""How many requests that place nothing may come for each that may place a call."""
PRIVATE = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class Guard:
    """Lets requests with the token pass, as many as there may be. The others learn nothing."""

    def __init__(self, app: ASGIApp, token: str, rate: int) -> None:
        self._app, self._token = app, token.encode()
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._rates = {
            "POST": RateLimitItemPerMinute(rate),
            "another method": RateLimitItemPerMinute(rate * READS),
            "a stranger": RateLimitItemPerMinute(rate * READS),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        begun, status = time.monotonic(), 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *PRIVATE]
            await send(message)

        app = await self._refusal(scope) or self._app
        try:
            await app(scope, _in_time(receive), sent)
        finally:
            _log(scope, status, time.monotonic() - begun)

    async def _refusal(self, scope: Scope) -> ASGIApp | None:
        """Answer who has no token, or asks too often; None lets the request pass."""
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        known = is_token(given, self._token)
        who = "POST" if scope["method"] == "POST" else "another method"
        if wait := await self._wait(who if known else "a stranger"):
            return _told(429, "too many requests", {"retry-after": str(wait)})
        if not known:
            return _told(401, "the token is missing or wrong", {"www-authenticate": "Bearer"})
        return None

    async def _wait(self, who: str) -> int:
        """Count a request; give the seconds to wait where it is one too many, or 0."""
        if await self._limiter.hit(self._rates[who], who):
            return 0
        free = (await self._limiter.get_window_stats(self._rates[who], who)).reset_time
        return max(1, math.ceil(free - time.time()))


def _told(status: int, detail: str, headers: dict[str, str]) -> ASGIApp:
    return JSONResponse({"detail": detail}, status, headers)


def _in_time(receive: Receive) -> Receive:
    """Take a request's body for BODY_TIME and no longer."""
    until = asyncio.get_running_loop().time() + BODY_TIME
    whole = False

    async def receive_in_time() -> Message:
        nonlocal whole
        if whole:
            return await receive()  # now that waits for the client to go
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, "the request took too long") from None
        whole = not message.get("more_body", False)
        return message

    return receive_in_time


def _log(scope: Scope, status: int, seconds: float) -> None:
    """Say what was asked for, and nothing that is in it: a path is whatever a client sends."""
    path: Any = scope["path"]
    level = logging.INFO if scope["method"] == "POST" or status >= 400 else logging.DEBUG
    facts = (scope["method"][:10], ascii(path[:80])[1:-1], status, seconds * 1000)
    log.log(level, "API: %s %s: %d in %.0f ms", *facts)
