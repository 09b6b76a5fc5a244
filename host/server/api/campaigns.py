"""Campaigns over the API: the same as the command `campaign`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, HTTPException, Request, Response
from fastapi.routing import APIRouter
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from host.base.e164 import PATTERN
from host.base.errors import HostError, MetadataError, SettingsError
from host.compliance import Gate
from host.dispatch.campaigns import Campaign, Directory, control, open_campaigns
from host.dispatch.campaigns.queue import exist
from host.dispatch.campaigns.rows import Fault as RowFault
from host.dispatch.campaigns.rows import leave_forbidden, read_rows
from host.dispatch.place import encode_metadata
from host.server.api.calls import Calls
from host.server.api.checking import Checker
from host.server.api.errors import LATER
from host.server.api.refusals import Unusable
from host.server.api.responses import ANY, problem
from host.server.api.schemas import Fault, Moment
from host.server.api.strict import StrictRoute, in_json
from host.settings import Settings

log = logging.getLogger("host")

MOST_FAULTS = 50
"""Maximum number of faulty rows reported for one request."""

T = TypeVar("T")


class WantedCampaign(BaseModel):
    """A request to start a campaign."""

    model_config = ConfigDict(extra="forbid")

    persona: str = Field(max_length=100, description="persona that places the calls")
    name: str = Field("campaign", max_length=100, description="name of the campaign, for people")
    csv: str = Field(description="rows: a column `number`, and others for the details")
    not_before: Moment | None = Field(None, description="time at which it begins, with its zone")
    calls_at_once: int = Field(1, ge=1, le=100, description="calls at the same time, of all hosts")
    per_minute: float = Field(10, ge=0.01, le=600, description="calls that begin in a minute")
    tries: int = Field(3, ge=1, le=10, description="calls of a number at most")
    spacing: float = Field(3600, ge=60, le=7 * 86400, description="seconds between them at least")
    caller_id: str | None = Field(
        None, pattern=f"^{PATTERN}$", description="number that the callees see"
    )


class Campaigns:
    """The campaigns of a deployment, as the API has them."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._opened: Directory | None = None

    @property
    def _settings(self) -> Settings:
        return self._calls.settings

    @property
    def _checker(self) -> Checker:
        return self._calls.placing.checker

    async def directory(self, *, made: bool = False) -> Directory:
        """Return the campaigns; 404 if there are none, unless one is to be `made`."""
        if self._opened is None:
            if not made and not await asyncio.to_thread(exist, self._settings):
                raise HTTPException(404, "no such campaign")
            try:
                self._opened = await asyncio.to_thread(open_campaigns, self._settings)
            except SettingsError as error:
                log.error("%s", error)
                text = "the queue of campaigns can't be used now"
                raise HTTPException(503, text, {"Retry-After": LATER}) from None
        return self._opened

    async def start(self, wanted: WantedCampaign) -> dict[str, Any]:
        """Check all rows, and store the campaign. Raises Unusable."""
        if wanted.persona not in self._checker.personas:
            raise Unusable(_fault("persona", f"there is no persona {wanted.persona!r}"))
        try:
            rows, faults = read_rows(wanted.csv)
        except HostError as error:
            raise Unusable(_fault("csv", str(error))) from None
        for row in rows:
            try:
                metadata = encode_metadata(
                    wanted.persona, row.number, row.details, "campaign", row.reference,
                    caller_id=wanted.caller_id,
                )  # fmt: skip
            except MetadataError as error:
                faults.append(RowFault(row.line, str(error)))
                continue
            for each in (await self._checker.details_faults(metadata))[:1]:
                place = ".".join(map(str, each.loc[1:]))
                faults.append(RowFault(row.line, f"{place}: {each.msg}"))
            if len(faults) >= MOST_FAULTS:
                break
        if faults:
            raise Unusable(*(_fault("csv", str(each)) for each in sorted(faults)[:MOST_FAULTS]))
        gate = Gate(self._settings, self._settings.persona(wanted.persona))
        await asyncio.to_thread(leave_forbidden, rows, gate, wanted.caller_id)
        directory = await self.directory(made=True)
        facts = wanted.model_dump(exclude={"csv"})
        made = await asyncio.to_thread(lambda: control.start(directory, rows, **facts))
        return await asyncio.to_thread(control.described, directory, made)


async def campaigns_of(request: Request) -> Campaigns:
    """Return the app's campaigns."""
    campaigns: Campaigns = request.app.state.campaigns
    return campaigns


All = Annotated[Campaigns, Depends(campaigns_of)]
_NONE: dict[int | str, dict[str, Any]] = {404: problem("no such campaign")}
_NOT_NOW: dict[int | str, dict[str, Any]] = {409: problem("the campaign is in no state for it")}
router = APIRouter(
    prefix="/campaigns",
    route_class=StrictRoute,
    dependencies=[Depends(HTTPBearer(auto_error=False))],
)


@router.post("", status_code=201, responses=ANY, dependencies=[Depends(in_json)])
async def start(wanted: WantedCampaign, campaigns: All) -> dict[str, Any]:
    """Check all rows, and start a campaign; nothing is dialled if one row is wrong."""
    return await campaigns.start(wanted)


@router.get("", responses=ANY)
async def list_campaigns(campaigns: All) -> dict[str, Any]:
    """List the campaigns, newest first."""
    try:
        directory = await campaigns.directory()
    except HTTPException:
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
    directory = await campaigns.directory()
    found = await asyncio.to_thread(directory.read, id)
    if found is None:
        raise HTTPException(404, "no such campaign")
    return await asyncio.to_thread(work, directory, found)


def _fault(field: str, message: str) -> Fault:
    return Fault(loc=["body", field], msg=message, type="value_error")
