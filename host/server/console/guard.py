"""What every request of the console passes: session, origin, CSRF token, rate, headers, log."""

from __future__ import annotations

import hmac
import logging
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, urlsplit

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from host.server.console.forms import Unreadable, read_form
from host.server.console.sessions import Session, Sessions

log = logging.getLogger("host")

OPEN = "/login"
"""The one page without a session; the files of `STATIC` need none either."""
STATIC = "/static/"
STRANGERS = 300
"""Requests a minute without a session that one address may send; further ones get 429."""
SIGN_INS = 20
"""Forms that it may send."""
UPLOADS = frozenset({"/campaigns/new"})
"""Pages whose form has a file."""
_METHODS = ("GET", "HEAD", "POST")
_DEVICES = "camera=(), geolocation=(), microphone=({})"
_HEADERS = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",  # with no-referrer, browsers send no Origin
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Guard:
    """Lets requests with a session pass, and gives them `state`: session, nonce, form, files.

    A page that sets `state.livekit` may use the microphone, and connect to these origins.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app, self._sessions = app, sessions
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._rates = {
            True: RateLimitItemPerMinute(SIGN_INS),
            False: RateLimitItemPerMinute(STRANGERS),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return
        nonce, status = secrets.token_urlsafe(16), 500
        scope["state"] = {"nonce": nonce, "session": None, "form": {}, "files": {}, "livekit": ""}

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                livekit = scope["state"]["livekit"]
                headers["permissions-policy"] = _DEVICES.format("self" if livekit else "")
                headers["content-security-policy"] = policy(nonce, livekit)
            await send(message)

        try:
            refusal = await self._refusal(scope, receive)
            await (refusal or self._app)(scope, receive, sent)
        finally:
            _log(scope, status)

    async def _refusal(self, scope: Scope, receive: Receive) -> Response | None:
        """Return the response that rejects a request; None to let it pass."""
        headers, path = Headers(scope=scope), scope["path"]
        session = self._session(scope, headers)
        scope["state"]["session"] = session
        if session is None and not await self._may_ask(scope):
            return PlainTextResponse("too many requests", 429, {"retry-after": "60"})
        if scope["method"] not in _METHODS:
            return PlainTextResponse("method not allowed", 405, {"allow": ", ".join(_METHODS)})
        if session is None and path != OPEN and not path.startswith(STATIC):
            return _sign_in_first(scope, headers)
        if scope["method"] != "POST":
            return None
        if not from_here(headers):
            return PlainTextResponse("the request comes from another site", 403)
        try:
            form = await read_form(scope, receive, files=path in UPLOADS)
        except Unreadable as error:
            return PlainTextResponse(error.detail, error.status, {"connection": "close"})
        scope["state"]["form"], scope["state"]["files"] = form.fields, form.files
        if path != OPEN and not (session and _has_token(session, headers, form.fields)):
            return PlainTextResponse("the form is of another session: load the page again", 403)
        return None

    async def _may_ask(self, scope: Scope) -> bool:
        rate = self._rates[scope["method"] == "POST"]
        return await self._limiter.hit(rate, (scope.get("client") or ("", 0))[0])

    def _session(self, scope: Scope, headers: Headers) -> Session | None:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(cookie_name(scope))
        except CookieError:
            return None
        return self._sessions.read(cookie.value) if cookie else None


def cookie_name(scope: Scope) -> str:
    """Return the cookie's name: browsers do not tell the ports of one machine apart."""
    return f"host_console_{(scope.get('server') or ('', 0))[1]}"


def policy(nonce: str, livekit: str = "") -> str:
    """Return the Content-Security-Policy: nothing from elsewhere, and nothing inline.

    wavesurfer.js puts its styles into a shadow tree, with the nonce. `livekit`: origins that the
    page's script may connect to as well.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self'",
            f"connect-src 'self' {livekit}".rstrip(),
            "media-src 'self' blob:",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def from_here(headers: Headers) -> bool:
    """Return whether a page of the console has sent a request, or no browser has.

    `Sec-Fetch-Site` is there over HTTPS and on loopback; elsewhere, `Origin` has to be our address.
    """
    if site := headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host", "")


def _has_token(session: Session, headers: Headers, form: dict[str, str]) -> bool:
    given = headers.get("x-csrf-token") or form.get("csrf", "")
    return hmac.compare_digest(given.encode(), session.csrf.encode())


def _sign_in_first(scope: Scope, headers: Headers) -> Response:
    if headers.get("hx-request"):  # htmx follows redirects by itself, into a part of the page
        return PlainTextResponse("sign in first", 401, {"hx-redirect": OPEN})
    asked = scope["path"]
    if scope["query_string"]:
        asked += "?" + scope["query_string"].decode("latin-1")
    back = f"?next={quote(asked, safe='')}" if scope["method"] == "GET" and asked != "/" else ""
    return RedirectResponse(OPEN + back, 303)


def _log(scope: Scope, status: int) -> None:
    """Log what acts or is rejected. The path is untrusted, so it is cut and escaped."""
    acts = scope["method"] not in ("GET", "HEAD") or status in (401, 403, 413) or status >= 500
    level = logging.INFO if acts and (scope["state"]["session"] or status != 429) else logging.DEBUG
    facts = (scope["method"][:10], ascii(scope["path"][:80])[1:-1], status)
    log.log(level, "console: %s %s: %d", *facts)
