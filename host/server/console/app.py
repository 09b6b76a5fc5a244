"""Routes of the console."""

from __future__ import annotations

import logging
import sqlite3

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from host.base.errors import HostError
from host.server.console import (
    calls,
    campaign_start,
    campaigns,
    figures,
    following,
    gate,
    joining,
    live,
    login,
    personas,
    talk,
)
from host.server.console.context import Console
from host.server.console.guard import Guard
from host.server.console.pages import STATIC, render

log = logging.getLogger("host")

_A_YEAR = "public, max-age=31536000, immutable"


class _Files(StaticFiles):
    def file_response(self, *given: object, **more: object) -> Response:
        """Let browsers keep a file: its address changes with it."""
        answer = super().file_response(*given, **more)  # type: ignore[arg-type]
        answer.headers["cache-control"] = _A_YEAR
        return answer


def _first(request: Request) -> Response:
    return RedirectResponse("/live", 303)


ROUTES = [
    Route("/", _first),
    Route("/login", login.show, methods=["GET"]),
    Route("/login", login.sign_in, methods=["POST"]),
    Route("/logout", login.sign_out, methods=["POST"]),
    Route("/live", live.show),
    Route("/live/list", live.show_list),
    Route("/live/events", following.follow_all),
    Route("/live/{id}", live.show_call),
    Route("/live/{id}/events", following.follow_one),
    Route("/live/{id}/now", live.show_now),
    Route("/live/{id}/hangup", live.hang_up, methods=["POST"]),
    Route("/live/{id}/listen", joining.listen, methods=["POST"]),
    Route("/live/{id}/takeover", joining.take_over, methods=["POST"]),
    Route("/calls", calls.list_calls),
    Route("/calls.csv", calls.export),
    Route("/calls/{id}", calls.show_call),
    Route("/calls/{id}/recording", calls.play),
    Route("/campaigns", campaigns.list_campaigns),
    Route("/campaigns/new", campaign_start.show, methods=["GET"]),
    Route("/campaigns/new", campaign_start.start, methods=["POST"]),
    Route("/campaigns/{id}", campaigns.show),
    Route("/campaigns/{id}/results.csv", campaigns.export),
    Route("/campaigns/{id}/{what}", campaigns.change, methods=["POST"]),
    Route("/personas", personas.show),
    Route("/personas/{name}/talk", talk.show, methods=["GET"]),
    Route("/personas/{name}/talk", talk.call, methods=["POST"]),
    Route("/gate", gate.show, methods=["GET"]),
    Route("/gate", gate.judge, methods=["POST"]),
    Route("/figures", figures.show),
    Mount("/static", _Files(directory=STATIC)),
]


def make_console(console: Console) -> ASGIApp:
    """Build the app, behind its guard."""
    app = Starlette(
        routes=ROUTES,
        exception_handlers={
            HTTPException: _http_fault,
            HostError: _fault,
            OSError: _fault,
            sqlite3.Error: _fault,
        },
    )
    app.router.redirect_slashes = False
    app.state.console = console
    return Guard(app, console.sessions)


def paths() -> list[tuple[str, str]]:
    """Return the method and path of each route but those of static files."""
    return [
        (method, route.path)
        for route in ROUTES
        if isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]


async def _http_fault(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _shown(request, error.status_code, error.detail)


async def _fault(request: Request, error: Exception) -> Response:
    log.warning("console: %s", error)
    return _shown(request, 503, str(error))


def _shown(request: Request, status: int, detail: str) -> Response:
    if request.headers.get("hx-request"):
        return render(request, "fault_part.html", status, detail=detail)
    return render(request, "fault.html", status, detail=detail)
