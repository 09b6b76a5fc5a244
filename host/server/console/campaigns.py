"""Pages of campaigns: the list, one with its rows, its results as CSV; pausing and stopping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from host.base.errors import HostError
from host.dispatch.campaigns import Campaign, Directory, Row, control
from host.server.console.context import Console, console_of
from host.server.console.pages import render
from host.server.console.standing import STATES

PAGE = 100
"""Rows on a page."""
CHANGES: tuple[control.Change, ...] = get_args(control.Change)
_ALLOWED: dict[str, tuple[control.Change, ...]] = {
    "running": ("pause", "stop"),
    "paused": ("resume", "stop"),
}


@dataclass(frozen=True)
class ShownRow:
    """A row, for the template: masked as records of the campaign's persona are."""

    row: Row
    number: str
    reference: str | None
    why: str
    page: str | None
    """The page of its last call, if this host has it."""


async def list_campaigns(request: Request) -> Response:
    """Show all campaigns, newest first."""
    console = console_of(request)
    directory = await console.campaigns.directory()

    def shown() -> Response:
        campaigns = directory.all() if directory else []
        console.standings.keep_only(campaigns)
        rows = [
            (campaign, _reason(console, campaign), console.standings.totals(directory, campaign))
            for campaign in campaigns
            if directory
        ]
        return render(request, "campaigns.html", campaigns=rows)

    return await run_in_threadpool(shown)


async def show(request: Request) -> Response:
    """Show one campaign, and a page of its rows."""
    console, query = console_of(request), request.query_params
    directory, campaign = await _found(request)
    state = query.get("state", "")
    state = state if state in STATES else ""
    after = int(query["after"]) if query.get("after", "").isdecimal() else 0

    def shown() -> Response:
        standings = console.standings.of(directory, campaign)
        lines = [row.line for row in standings if row.is_in(state) and row.line > after]
        rows = list(directory.queue(campaign.id).rows(lines[:PAGE]))
        return render(
            request,
            "campaign.html",
            campaign=campaign,
            reason=_reason(console, campaign),
            totals=console.standings.totals(directory, campaign),
            rows=_shown(console, campaign, rows),
            state=state,
            states=STATES,
            first=not after,
            later=lines[PAGE - 1] if len(lines) > PAGE else None,
            changes=_ALLOWED.get(campaign.status, ()),
        )

    return await run_in_threadpool(shown)


async def change(request: Request) -> Response:
    """Pause, resume or stop a campaign. Live calls go on."""
    directory, campaign = await _found(request)
    what = request.path_params["what"]
    if what not in CHANGES:
        raise HTTPException(404, "no such change of a campaign")
    try:
        await run_in_threadpool(control.change, directory, campaign.id, what)
    except HostError as error:
        raise HTTPException(409, str(error)) from None
    return RedirectResponse(f"/campaigns/{campaign.id}", 303)


async def export(request: Request) -> Response:
    """Return each row as CSV, with its outcome, its record's ID and its results."""
    console = console_of(request)
    directory, campaign = await _found(request)

    def written() -> str:
        told = control.results(directory.rows(campaign))
        may_have = console.masks.whoever_may_get(campaign.persona)
        for cells in told:
            number = cells["number"]
            cells["number"] = console.masks.number(number, may_have)
            cells["reference"] = console.masks.id(cells["reference"], number, may_have)
            cells["reason"] = console.masks.text(cells["reason"], may_have)
            cells["room"] = cells["room"] and console.masks.room(cells["room"], number, may_have)
        return control.as_csv(told)

    headers = {"content-disposition": f'attachment; filename="campaign-{campaign.id}.csv"'}
    return Response(
        await run_in_threadpool(written), media_type="text/csv; charset=utf-8", headers=headers
    )


async def _found(request: Request) -> tuple[Directory, Campaign]:
    """Return the campaign of a request, named by its whole ID."""
    directory = await console_of(request).campaigns.directory()
    id: str = request.path_params["id"]
    found = await run_in_threadpool(directory.read, id) if directory else None
    if directory is None or found is None:
        raise HTTPException(404, "no such campaign")
    return directory, found


def _reason(console: Console, campaign: Campaign) -> str:
    may_have = console.masks.whoever_may_get(campaign.persona)
    return console.masks.text(campaign.reason, may_have)


def _shown(console: Console, campaign: Campaign, rows: list[Row]) -> list[ShownRow]:
    masks = console.masks
    may_have = masks.whoever_may_get(campaign.persona)
    recorded = _recorded(console, rows)
    live = {call.livekit_room: call.id for call in console.live()}
    shown = []
    for row in rows:
        last = row.attempts[-1] if row.attempts else None
        page = None
        if last and last.room in live:
            page = f"/live/{live[last.room]}"
        elif last and last.call in recorded:
            page = f"/calls/{quote(last.call or '', safe='')}"
        number = masks.number(row.number, may_have) or ""
        reference = masks.id(row.reference, row.number, may_have)
        why = masks.text(row.note or (last and last.reason) or "", may_have)
        shown.append(ShownRow(row, number, reference, why, page))
    return shown


def _recorded(console: Console, rows: list[Row]) -> set[str]:
    """Return the IDs of those of the rows' last calls that are in this host's call log."""
    ids = {f"id{nth}": row.attempts[-1].call for nth, row in enumerate(rows) if row.attempts}
    wanted = ", ".join(f":{name}" for name in ids)
    return {id for (id,) in console.index.rows(f"SELECT id FROM calls WHERE id IN ({wanted})", ids)}
