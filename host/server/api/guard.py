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

from host.server.api.token import is_token

log = logging.getLogger("host")

BODY_TIME = 10.0
"""Seconds that a client may take to send a request."""
LONGEST_BODY = 32 * 1024
"""Bytes that the body of a request may have."""
READS = 100
"""How many requests that place nothing may come for each that may place a call."""
STRANGERS = 10
"""How many requests without the token are answered for each that may place a call."""
TELLING = 60.0
"""Seconds in which one line tells of all strangers."""
TOO_LONG = f"the request is longer than {LONGEST_BODY} bytes"
CLOSE = (b"connection", b"close")
"""What is said to a client that is not listened to any further."""
PRIVATE = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class Guard:
    """Lets requests with the token pass, as many as there may be. The others learn nothing."""

    def __init__(self, app: ASGIApp, token: str, rate: int) -> None:
        self._app, self._token = app, token.encode()
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._strangers = _UnauthenticatedLog()
        self._rates = {
            "POST": RateLimitItemPerMinute(rate),
            "another method": RateLimitItemPerMinute(rate * READS),
            "a stranger": RateLimitItemPerMinute(rate * STRANGERS),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        begun, status = time.monotonic(), 500
        body, known = _Body(scope, receive), self._knows(scope)
        refusal = await self._refusal(scope, body, known=known)

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                over = (CLOSE,) if refusal or not body.whole else ()
                message["headers"] = [*message.get("headers", ()), *PRIVATE, *over]
            await send(message)

        try:
            await (refusal or self._app)(scope, body.receive, sent)
        finally:
            log_it = _log if known else self._strangers.log
            log_it(scope, status, time.monotonic() - begun)

    def _knows(self, scope: Scope) -> bool:
        return is_token(_values(scope, b"authorization"), self._token)

    async def _refusal(self, scope: Scope, body: _Body, *, known: bool) -> ASGIApp | None:
        """Answer a request that goes no further; None lets it pass."""
        who = "POST" if scope["method"] == "POST" else "another method"
        if wait := await self._wait(who if known else "a stranger"):
            return _told(429, "too many requests", {"retry-after": str(wait)})
        if not known:
            return _told(401, "the token is missing or wrong", {"www-authenticate": "Bearer"})
        if _values(scope, b"content-length") and _values(scope, b"transfer-encoding"):
            return _told(400, "it has both a Content-Length and a Transfer-Encoding")
        return _told(413, TOO_LONG) if body.length > LONGEST_BODY else None

    async def _wait(self, who: str) -> int:
        """Count a request; give the seconds to wait where it is one too many, or 0."""
        if await self._limiter.hit(self._rates[who], who):
            return 0
        free = (await self._limiter.get_window_stats(self._rates[who], who)).reset_time
        return max(1, math.ceil(free - time.time()))


class _Body:
    """The body of one request: what is taken of it, for BODY_TIME and no longer."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        lengths = _values(scope, b"content-length")
        self.length = int(lengths[0]) if lengths else 0
        self.whole = not self.length and not _values(scope, b"transfer-encoding")
        self._receive, self._taken = receive, 0
        self._until = asyncio.get_running_loop().time() + BODY_TIME

    async def receive(self) -> Message:
        """Take what there is of it, as ASGI has it."""
        if self.whole:
            return await self._receive()  # now that waits for the client to go
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "the request took too long") from None
        self._taken += len(message.get("body", b""))
        if self._taken > LONGEST_BODY:
            raise HTTPException(413, TOO_LONG)
        self.whole = not message.get("more_body", False)
        return message


class _UnauthenticatedLog:
    """Logs requests without the token: one, and in the next minute how many more there were."""

    def __init__(self) -> None:
        self._more: int | None = None

    def log(self, scope: Scope, status: int, seconds: float) -> None:
        """Note a request."""
        if self._more is not None:
            self._more += 1
            return
        self._more = 0
        _log(scope, status, seconds)
        asyncio.get_running_loop().call_later(TELLING, self._tell)

    def _tell(self) -> None:
        if self._more:
            log.info("API: %d more requests without the token in %.0f s", self._more, TELLING)
        self._more = None


def _values(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]


def _told(status: int, detail: str, headers: dict[str, str] | None = None) -> ASGIApp:
    return JSONResponse({"detail": detail}, status, headers)


def _log(scope: Scope, status: int, seconds: float) -> None:
    """Say what was asked for, and nothing that is in it: a path is whatever a client sends."""
    path: Any = scope["path"]
    level = logging.INFO if scope["method"] == "POST" or status >= 400 else logging.DEBUG
    facts = (scope["method"][:10], ascii(path[:80])[1:-1], status, seconds * 1000)
    log.log(level, "API: %s %s: %d in %.0f ms", *facts)
