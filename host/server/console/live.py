"""Pages of the calls that go on now: the list, one call as it is spoken, hanging up."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from host.dispatch import hangup
from host.dispatch.hangup import LONGEST_GOODBYE
from host.dispatch.livekit import livekit_api
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.runner.checkpoint import CheckpointStore
from host.server.console import lines, search
from host.server.console.call_page import CallPage
from host.server.console.context import Console, console_of
from host.server.console.pages import render
from host.server.live_calls import LiveFacts

WAY = "in the console"
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def show(request: Request) -> Response:
    """Show the live calls; the page asks for `show_list` when something changes."""
    return render(request, "live.html", **_listed(console_of(request)))


def show_list(request: Request) -> Response:
    """Show the list alone."""
    return render(request, "live_list.html", **_listed(console_of(request)))


def show_call(request: Request) -> Response:
    """Show one call; the page asks for `show_now` when something changes."""
    console, id = console_of(request), id_of(request)
    call = _live(console, id)
    if call is None:
        if search.find(console, id):
            return RedirectResponse(f"/calls/{id}", 303)
        raise HTTPException(404, "no such live call")
    lines.open_line(request, console.settings)
    return render(request, "live_call.html", longest=LONGEST_GOODBYE, **_now(console, call))


def show_now(request: Request) -> Response:
    """Show what has happened in a call so far; once it has a record, lead to its page."""
    console, id = console_of(request), id_of(request)
    call = _live(console, id)
    if call is not None:
        return render(request, "live_now.html", **_now(console, call))
    if search.find(console, id):
        return Response(headers={"HX-Redirect": f"/calls/{id}"})
    return render(request, "live_over.html")


async def hang_up(request: Request) -> Response:
    """Hang up a call, at once or after a goodbye. Raises HostError if it does not respond."""
    console, id = console_of(request), id_of(request)
    goodbye = " ".join(request.state.form.get("goodbye", "").split())
    if len(goodbye) > LONGEST_GOODBYE:
        raise HTTPException(422, f"the goodbye is longer than {LONGEST_GOODBYE} characters")
    call = await run_in_threadpool(_live, console, id)
    if call is not None:
        async with livekit_api(console.settings) as livekit:
            await hangup.hang_up(
                livekit, console.settings, call.livekit_room, WAY, goodbye, call=id
            )
    return RedirectResponse(f"/live/{id}" if goodbye else "/live", 303)


def id_of(request: Request) -> str:
    """Return the id of the call that a request is about."""
    id: str = request.path_params["id"]
    if not _ID.fullmatch(id):
        raise HTTPException(404, "no such call")
    return id


def _live(console: Console, id: str) -> LiveFacts | None:
    return next((call for call in console.live() if call.id == id), None)


def _listed(console: Console) -> dict[str, object]:
    calls = [(call, console.masks.live_number(call)) for call in console.live()]
    return {"calls": calls, "now": datetime.now(UTC)}


def _now(console: Console, call: LiveFacts) -> dict[str, object]:
    """Return what a call's checkpoint tells, redacted as its record will be."""
    checkpoint = CheckpointStore(console.settings.state_dir).read(call.id)
    if checkpoint is None:
        raise HTTPException(404, "the call is over")
    so_far = checkpoint.state.record(Ending(Outcome.COMPLETED, "host", "it goes on"))
    page = CallPage(
        console.masks.live(so_far), console.settings, console.masks.may_have(so_far.names)
    )
    held = checkpoint.state.on_hold_since is not None
    return {"call": call, "page": page, "held": held, "now": datetime.now(UTC)}
