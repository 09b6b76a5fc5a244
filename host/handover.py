"""Hands a call over to somebody else: by REFER, or warm, after asking them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from host.call import LINGER, Call, Ending, now
from host.errors import HostError
from host.line import Line
from host.outcome import Outcome
from host.record import Transfer
from host.settings import TransferTarget

if TYPE_CHECKING:
    from livekit.agents import JobContext


class Handover:
    """Hands one call over."""

    def __init__(self, job: JobContext, call: Call, line: Line) -> None:
        self._job, self._call, self._line = job, call, line

    async def hand_over(
        self, name: str, target: TransferTarget, announcement: str, summary: str
    ) -> None:
        """Hand the call to a target. Raises HostError where it does not take it."""
        if announcement:
            await self._call.say(announcement, interruptible=False)
            await asyncio.sleep(LINGER)
        await self._refer(name, target)
        self._call.end(
            Ending(Outcome.TRANSFERRED, "persona", f"The call was transferred to {name}.")
        )

    async def _refer(self, name: str, target: TransferTarget) -> None:
        try:
            await self._line.refer(target.number)
        except HostError as error:
            status = getattr(error, "sip_status", None)
            self._call.transfers.append(
                Transfer(at=now(), to=name, succeeded=False, reason=str(error), sip_status=status)
            )
            raise
        self._call.transfers.append(Transfer(at=now(), to=name, succeeded=True))
