"""Campaigns over the API: the same as the command `campaign`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, HTTPException, Request, Response
from fastapi.routing import APIRouter
from fastapi.security import HTTPBearer

from host.base.errors import HostError, SettingsError
from host.dispatch.campaigns import Campaign, Directory, control
from host.server.api.errors import LATER
from host.server.api.responses import ANY, problem
from host.server.api.starting import Campaigns, QueueDown, WantedCampaign
from host.server.api.strict import StrictRoute, in_json

T = TypeVar("T")


async def campaigns_of(request: Request) -> Campaigns:
    """Return the app's campaigns."""
    campaigns: Campaigns = request.app.state.campaigns
    return campaigns


All = Annotated[Campaigns, Depends(campaigns_of)]
_NONE: dict[int | str, dict[str, Any]] = {404: problem("no such campaign")}
_NOT_NOW: dict[int | str, dict[str, Any]] = {409: problem("the campaign's state does not allow it")}
router = APIRouter(
    prefix="/campaigns",
    route_class=StrictRoute,
    dependencies=[Depends(HTTPBearer(auto_error=False))],
)


@router.post("", status_code=201, responses=ANY, dependencies=[Depends(in_json)])
async def start(wanted: WantedCampaign, campaigns: All) -> dict[str, Any]:
    """Check all rows, and start a campaign; nothing is dialled if one row is wrong."""
    try:
        started = await campaigns.start(wanted)
        directory = await campaigns.directory()
    except QueueDown as error:
        raise _down(error) from None
    assert directory is not None
    return await asyncio.to_thread(control.described, directory, started.campaign)


@router.get("", responses=ANY)
async def list_campaigns(campaigns: All) -> dict[str, Any]:
    """List the campaigns, newest first."""
    directory = await _opened(campaigns)
    if directory is None:
        return {"campaigns": []}

    def told() -> list[dict[str, Any]]:
        return [control.described(directory, each) for each in directory.all()]

    return {"campaigns": await asyncio.to_thread(told)}


@router.get("/{id}", responses=ANY | _NONE)
async def show(id: str, campaigns: All) -> dict[str, Any]:
    """Return a campaign, and how its rows stand."""
    return await _of(campaigns, id, control.described)


@router.get(
    "/{id}/results",
    response_class=Response,
    responses=ANY | _NONE | {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def results(id: str, campaigns: All) -> Response:
    """Return each row as CSV, with its outcome, its record's ID and its results."""

    def written(directory: Directory, campaign: Campaign) -> str:
        return control.as_csv(control.results(directory.rows(campaign)))

    return Response(await _of(campaigns, id, written), media_type="text/csv")


@router.post("/{id}/{what}", responses=ANY | _NONE | _NOT_NOW)
async def change(id: str, what: control.Change, campaigns: All) -> dict[str, Any]:
    """Pause, resume or stop a campaign. Live calls go on."""

    def changed(directory: Directory, campaign: Campaign) -> dict[str, Any]:
        try:
            return control.described(directory, control.change(directory, campaign.id, what))
        except SettingsError:
            raise
        except HostError as error:
            raise HTTPException(409, str(error)) from None

    return await _of(campaigns, id, changed)


async def _of(campaigns: Campaigns, id: str, work: Callable[[Directory, Campaign], T]) -> T:
    """Do something with a campaign, named by its whole ID."""
    directory = await _opened(campaigns)
    found = await asyncio.to_thread(directory.read, id) if directory else None
    if directory is None or found is None:
        raise HTTPException(404, "no such campaign")
    return await asyncio.to_thread(work, directory, found)


async def _opened(campaigns: Campaigns) -> Directory | None:
    try:
        return await campaigns.directory()
    except QueueDown as error:
        raise _down(error) from None


def _down(error: QueueDown) -> HTTPException:
    return HTTPException(503, str(error), {"Retry-After": LATER})
