"""Middleware of the API: token, rate limit, body limits and the access log."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Sequence
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
"""Seconds that a client may take to send a request's body."""
LONGEST_BODY = 32 * 1024
"""Maximum size of a request's body, in bytes."""
READS = 100
"""Requests with other methods allowed for each POST of `api_rate`."""
UNAUTHENTICATED = 10
"""Requests without the token answered with 401 for each POST of `api_rate`; the rest get 429."""
LOG_INTERVAL = 60.0
"""Seconds for which requests without the token are summed up in one log line."""
TOO_LONG = f"the request is longer than {LONGEST_BODY} bytes"
CLOSE = (b"connection", b"close")
"""Header that closes the connection after a rejected or unfinished request."""
PRIVATE = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class Guard:
    """Rejects requests without an API token with 401, and rate-limits all requests."""

    def __init__(self, app: ASGIApp, tokens: Sequence[bytes], rate: int) -> None:
        self._app, self._tokens = app, tokens
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._unauthenticated = _UnauthenticatedLog()
        self._rates = {
            "POST": RateLimitItemPerMinute(rate),
            "another method": RateLimitItemPerMinute(rate * READS),
            "no token": RateLimitItemPerMinute(rate * UNAUTHENTICATED),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
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
            log_it = _log if known else self._unauthenticated.log
            log_it(scope, status, time.monotonic() - begun)

    def _knows(self, scope: Scope) -> bool:
        return is_token(_values(scope, b"authorization"), self._tokens)

    async def _refusal(self, scope: Scope, body: _Body, *, known: bool) -> ASGIApp | None:
        """Return the response that rejects a request; None to let it pass."""
        who = "POST" if scope["method"] == "POST" else "another method"
        if wait := await self._wait(who if known else "no token"):
            return _response(429, "too many requests", {"retry-after": str(wait)})
        if not known:
            return _response(401, "the token is missing or wrong", {"www-authenticate": "Bearer"})
        if _values(scope, b"content-length") and _values(scope, b"transfer-encoding"):
            return _response(400, "it has both a Content-Length and a Transfer-Encoding")
        return _response(413, TOO_LONG) if body.length > LONGEST_BODY else None

    async def _wait(self, who: str) -> int:
        """Count a request; return the seconds to wait if it exceeds the rate, else 0."""
        if await self._limiter.hit(self._rates[who], who):
            return 0
        free = (await self._limiter.get_window_stats(self._rates[who], who)).reset_time
        return max(1, math.ceil(free - time.time()))


class _Body:
    """A request's body, limited to LONGEST_BODY bytes and BODY_TIME seconds."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        lengths = _values(scope, b"content-length")
        self.length = int(lengths[0]) if lengths else 0
        self.whole = not self.length and not _values(scope, b"transfer-encoding")
        self._receive, self._taken = receive, 0
        self._until = asyncio.get_running_loop().time() + BODY_TIME

    async def receive(self) -> Message:
        """Receive an ASGI message. Raises HTTPException 408 or 413."""
        if self.whole:
            return await self._receive()  # waits for the client's disconnect
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
    """Logs the first request without the token, and after LOG_INTERVAL how many followed."""

    def __init__(self) -> None:
        self._more: int | None = None

    def log(self, scope: Scope, status: int, seconds: float) -> None:
        """Log or count a request."""
        if self._more is not None:
            self._more += 1
            return
        self._more = 0
        _log(scope, status, seconds)
        asyncio.get_running_loop().call_later(LOG_INTERVAL, self._log_rest)

    def _log_rest(self) -> None:
        if self._more:
            log.info("API: %d more requests without the token in %.0f s", self._more, LOG_INTERVAL)
        self._more = None


def _values(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]


def _response(status: int, detail: str, headers: dict[str, str] | None = None) -> ASGIApp:
    return JSONResponse({"detail": detail}, status, headers)


def _log(scope: Scope, status: int, seconds: float) -> None:
    """Log method, path and status. The path is untrusted, so it is cut and escaped."""
    path: Any = scope["path"]
    acts = scope["method"] in ("POST", "DELETE")
    level = logging.INFO if acts or status >= 400 else logging.DEBUG
    facts = (scope["method"][:10], ascii(path[:80])[1:-1], status, seconds * 1000)
    log.log(level, "API: %s %s: %d in %.0f ms", *facts)
