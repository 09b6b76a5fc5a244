"""Talk: a telephone in the browser, whose calls to a persona are like those of any caller."""

from __future__ import annotations

import json

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from host.base.errors import HostError
from host.call.dispatch import read_dispatch
from host.dispatch.guests import CALLER, caller_token
from host.dispatch.livekit import require_livekit
from host.dispatch.place import room_for
from host.dispatch.request import details_of
from host.server.console import lines
from host.server.console.context import Console, console_of
from host.server.console.pages import render

KEYS = "123456789*0#"


def show(request: Request) -> Response:
    """Show the telephone of a persona."""
    console = console_of(request)
    persona = console.loaded.personas[_name(console, request)]
    lines.open_line(request, console.settings)
    return render(request, "talk.html", persona=persona, keys=KEYS)


def call(request: Request) -> Response:
    """Give the page's script a token that calls the persona as it joins."""
    console = console_of(request)
    name = _name(console, request)
    try:
        require_livekit(console.settings)
        metadata = _metadata(name, request.state.form.get("details", ""))
    except HostError as error:
        return lines.refused(422, error)
    room = room_for(name, None)
    return lines.ticket(console.settings, caller_token(console.settings, room, metadata))


def _name(console: Console, request: Request) -> str:
    name: str = request.path_params["name"]
    if name not in console.loaded.personas:
        raise HTTPException(404, "no such persona")
    return name


def _metadata(persona: str, details: str) -> str:
    """Return the metadata of a call: details are `name=value`, one a line. Raises HostError.

    The persona's own `parse_metadata` runs in the call alone, which refuses what it refuses.
    """
    parted = (line.partition("=") for line in details.splitlines() if line.strip())
    given = details_of([f"{name.strip()}{equals}{value.strip()}" for name, equals, value in parted])
    wanted = {**given, "persona": persona, "reference": CALLER}
    metadata = json.dumps(wanted, ensure_ascii=False)
    read_dispatch(metadata)
    return metadata
