"""Pages of the calls that are over: the list, one call, its recording, and the list as CSV."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse

from host.records.outcome import Outcome
from host.server.console import recordings, search
from host.server.console.call_page import CallPage
from host.server.console.context import Console, console_of
from host.server.console.export import HEAD, csv_line, row_of
from host.server.console.pages import render
from host.server.console.search import Search

AT_A_TIME = 200
"""Calls that an export reads at a time."""


def list_calls(request: Request) -> Response:
    """Show a page of the calls that match."""
    console, wanted = console_of(request), Search.of(request.query_params)
    found = search.search(console, wanted, request.query_params.get("before", ""))
    return render(
        request,
        "calls.html",
        wanted=wanted,
        found=found,
        first="before" not in request.query_params,
        personas=search.personas_of(console),
        outcomes=[*Outcome],
        begins_later=console.index.begins_later,
    )


def show_call(request: Request) -> Response:
    """Show one call."""
    console, id = console_of(request), request.path_params["id"]
    record = search.find(console, id)
    if record is None:
        if any(live.id == id for live in console.live()):
            return RedirectResponse(f"/live/{id}", 303)
        raise HTTPException(404, "no such call")
    return render(request, "call.html", page=CallPage(record, console.settings))


def play(request: Request) -> Response:
    """Return a call's recording."""
    console = console_of(request)
    record = search.find(console, request.path_params["id"])
    file = recordings.file_of(record, console.settings) if record else None
    if file is None:
        raise HTTPException(404, "no such recording")
    return FileResponse(file, media_type="audio/ogg")


def export(request: Request) -> Response:
    """Return all calls that match as CSV."""
    console = console_of(request)
    places = search.places(console, Search.of(request.query_params))
    headers = {"content-disposition": 'attachment; filename="calls.csv"'}
    return StreamingResponse(
        _exported(console, places), media_type="text/csv; charset=utf-8", headers=headers
    )


def _exported(console: Console, places: list[tuple[int, int]]) -> Iterator[str]:
    yield csv_line(HEAD)
    for first in range(0, len(places), AT_A_TIME):
        records = console.index.records(places[first : first + AT_A_TIME])
        yield "".join(csv_line(row_of(console.masks.listed(record))) for record in records)
