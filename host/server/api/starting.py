"""Starts campaigns for the API and the console: each row is checked as its call will be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from host.base.e164 import PATTERN
from host.base.errors import HostError, MetadataError, SettingsError
from host.compliance import Gate
from host.dispatch.campaigns import Campaign, Directory, Row, control, open_campaigns
from host.dispatch.campaigns.queue import exist
from host.dispatch.campaigns.rows import Fault as RowFault
from host.dispatch.campaigns.rows import leave_forbidden, read_rows
from host.dispatch.place import encode_metadata
from host.server.api.checking import Checker
from host.server.api.refusals import Unusable
from host.server.api.schemas import Fault, Moment
from host.settings import Settings

log = logging.getLogger("host")

MOST_FAULTS = 50
"""Maximum number of faulty rows reported for one request."""


class WantedCampaign(BaseModel):
    """A request to start a campaign."""

    model_config = ConfigDict(extra="forbid")

    persona: str = Field(max_length=100, description="persona that places the calls")
    name: str = Field("campaign", max_length=100, description="name of the campaign, for people")
    csv: str = Field(description="rows: a column `number`, and others for the details")
    not_before: Moment | None = Field(None, description="time at which it begins, with its zone")
    calls_at_once: int = Field(1, ge=1, le=100, description="most concurrent calls, of all hosts")
    per_minute: float = Field(10, ge=0.01, le=600, description="most calls that begin in a minute")
    tries: int = Field(3, ge=1, le=10, description="most calls to one number")
    spacing: float = Field(3600, ge=60, le=7 * 86400, description="least seconds between them")
    caller_id: str | None = Field(
        None, pattern=f"^{PATTERN}$", description="number that the callees see"
    )


class QueueDown(HostError):
    """The queue of campaigns can't be used now; the log says why."""


class Started(NamedTuple):
    """A campaign that was started."""

    campaign: Campaign
    left: list[Row]
    """Rows that the gate does not allow at any time."""


class Campaigns:
    """The campaigns of a deployment."""

    def __init__(self, settings: Callable[[], Settings], checker: Callable[[], Checker]) -> None:
        """`settings` returns those of now, `checker` what checks rows by them."""
        self._settings_of_now, self._checker = settings, checker
        self._opened: Directory | None = None

    async def directory(self) -> Directory | None:
        """Return the campaigns; None if there are none yet. Raises QueueDown."""
        if self._opened is None and not await asyncio.to_thread(exist, self._settings):
            return None
        return await self._open()

    def close(self) -> None:
        """Close the connections to the queue."""
        if self._opened:
            self._opened.close()

    async def start(self, wanted: WantedCampaign) -> Started:
        """Check all rows, and store the campaign. Raises Unusable, Unready or QueueDown."""
        if wanted.persona not in self._checker().personas:
            raise Unusable(_fault("persona", f"there is no persona {wanted.persona!r}"))
        try:
            rows, faults = await asyncio.to_thread(read_rows, wanted.csv)
        except HostError as error:
            raise Unusable(_fault("csv", str(error))) from None
        for row in rows:
            if len(faults) >= MOST_FAULTS:
                break
            if fault := await self._fault_of(row, wanted):
                faults.append(RowFault(row.line, fault))
        if faults:
            raise Unusable(*(_fault("csv", str(each)) for each in sorted(faults)[:MOST_FAULTS]))
        settings = self._settings
        gate = Gate(settings, settings.persona(wanted.persona))
        left = await asyncio.to_thread(leave_forbidden, rows, gate, wanted.caller_id)
        directory, facts = await self._open(), wanted.model_dump(exclude={"csv"})
        made = await asyncio.to_thread(lambda: control.start(directory, rows, **facts))
        return Started(made, left)

    async def _fault_of(self, row: Row, wanted: WantedCampaign) -> str:
        """Return what is wrong with a row; an empty text if nothing is."""
        try:
            metadata = encode_metadata(
                wanted.persona, row.number, row.details, "campaign", row.reference,
                caller_id=wanted.caller_id,
            )  # fmt: skip
        except MetadataError as error:
            return str(error)
        for each in await self._checker().details_faults(metadata):
            return f"{'.'.join(map(str, each.loc[1:]))}: {each.msg}"
        return ""

    async def _open(self) -> Directory:
        if self._opened is None:
            try:
                self._opened = await asyncio.to_thread(open_campaigns, self._settings)
            except SettingsError as error:
                log.error("%s", error)
                raise QueueDown("the queue of campaigns can't be used now") from None
        return self._opened

    @property
    def _settings(self) -> Settings:
        return self._settings_of_now()


def _fault(field: str, message: str) -> Fault:
    return Fault(loc=["body", field], msg=message, type="value_error")
