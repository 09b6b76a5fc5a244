"""The page that starts a campaign from a CSV file."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import PurePath
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from host.base.clock import now
from host.base.text import sanitize
from host.records.filters import read_number
from host.server.api.details_validator import Unready
from host.server.api.refusals import Unusable
from host.server.api.starting import MOST_FAULTS, WantedCampaign
from host.server.console.context import console_of
from host.server.console.forms import Upload
from host.server.console.pages import render

_FIELDS = ("calls_at_once", "per_minute", "tries")


MOST_MINUTES = 7 * 24 * 60
"""Minutes between two tries at most: those of a week."""


class Unclear(Exception):
    """The form has something that can't be read."""


def show(request: Request) -> Response:
    """Show the form."""
    return _page(request, 200, [])


async def start(request: Request) -> Response:
    """Check all rows, and start the campaign; nothing is dialled if one is wrong."""
    console = console_of(request)
    try:
        wanted = _wanted(request.state.form, request.state.files.get("file"))
        started = await console.campaigns.start(wanted)
    except Unclear as error:
        return _page(request, 422, [str(error)])
    except ValidationError as error:
        names = [str(each["loc"][0]).replace("_", " ") for each in error.errors()]
        faults = [each["msg"] for each in error.errors()]
        return _page(request, 422, [": ".join(each) for each in zip(names, faults, strict=True)])
    except Unusable as error:
        return _page(request, 422, [fault.msg for fault in error.faults])
    except Unready:
        return _page(request, 503, ["the rows can't be checked at the moment: try again"])
    left = "?state=left" if started.left else ""
    return RedirectResponse(f"/campaigns/{started.campaign.id}{left}", 303)


def _wanted(form: dict[str, str], file: Upload | None) -> WantedCampaign:
    """Read the form. Raises Unclear or ValidationError."""
    if file is None or not file.content:
        raise Unclear("choose a CSV file that has rows")
    try:
        csv = file.content.decode("utf-8")
    except UnicodeDecodeError:
        raise Unclear("the file is not in UTF-8") from None
    given: dict[str, Any] = {name: form[name] for name in _FIELDS if form.get(name)}
    if spacing := form.get("spacing"):
        given["spacing"] = _minutes(spacing) * 60
    if at := form.get("at"):
        given["not_before"] = _moment(at)
    if caller_id := form.get("caller_id", "").strip():
        given["caller_id"] = read_number(caller_id)
    name = form.get("name", "").strip() or PurePath(file.name).name or "campaign"
    return WantedCampaign(
        persona=form.get("persona", ""), csv=csv, name=sanitize(name, 100), **given
    )


def _minutes(text: str) -> float:
    """Return minutes between tries. Raises Unclear."""
    with contextlib.suppress(ValueError):
        if 1 <= (minutes := float(text)) <= MOST_MINUTES:
            return minutes
    raise Unclear(f"the minutes between tries are 1 to {MOST_MINUTES}")


def _moment(text: str) -> str:
    """Return a local time with its zone. Raises Unclear."""
    try:
        moment = datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise Unclear("the time is none like 2026-11-30T09:30") from None
    if moment < now():
        raise Unclear("the time is in the past")
    return moment.isoformat()


def _page(request: Request, status: int, faults: list[str]) -> Response:
    personas, fields = sorted(console_of(request).loaded.personas), WantedCampaign.model_fields
    defaults = {name: str(fields[name].default) for name in _FIELDS}
    defaults["spacing"] = f"{fields['spacing'].default / 60:g}"
    return render(
        request,
        "campaign_start.html",
        status,
        faults=faults,
        most=len(faults) >= MOST_FAULTS,
        form={**defaults, **request.state.form},
        personas=personas,
    )
