"""Signing in and out."""

from __future__ import annotations

import hmac
import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from host.server.console.context import console_of
from host.server.console.guard import cookie_name
from host.server.console.pages import render
from host.server.console.sessions import LASTS

_OWN_PATH = re.compile(r"/(?![/\\])[^\\\s]{0,500}")


def show(request: Request) -> Response:
    """Show the form, or go on with a session."""
    back = own_path(request.query_params.get("next", ""))
    if request.state.session:
        return RedirectResponse(back, 303)
    return render(request, "login.html", back=back, wrong=False)


async def sign_in(request: Request) -> Response:
    """Begin a session for who has the token."""
    console, form = console_of(request), request.state.form
    back, given = own_path(form.get("next", "")), form.get("token", "").strip()
    if not (console.token and hmac.compare_digest(given.encode(), console.token)):
        return render(request, "login.html", 401, back=back, wrong=True)
    answer = RedirectResponse(back, 303)
    answer.set_cookie(
        cookie_name(request.scope),
        console.sessions.begin(),
        max_age=LASTS,
        httponly=True,
        samesite="strict",
        secure=request.headers.get("origin", "").startswith("https:"),  # behind a TLS proxy
    )
    return answer


async def sign_out(request: Request) -> Response:
    """End the session."""
    console = console_of(request)
    console.sessions.end(request.state.session)
    console.changes.tell()  # pages that follow live calls with this session come to an end
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(cookie_name(request.scope), httponly=True, samesite="strict")
    return answer


def own_path(path: str) -> str:
    """Return a path of the console; the first page for anything else."""
    return path if _OWN_PATH.fullmatch(path) and not path.startswith("/login") else "/live"
