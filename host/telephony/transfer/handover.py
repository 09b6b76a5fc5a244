"""Runs a transfer: announcement, attempts one after the other, and apology to the caller."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from livekit.agents import JobContext

from host.base.clock import now
from host.base.errors import HostError
from host.call.live import LINGER, LiveCall
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import Transfer
from host.settings import TransferTarget
from host.telephony.far_end import LiveKitFarEnd
from host.telephony.transfer.bridge import Bridge
from host.telephony.transfer.failure import ReferRefused, TransferFailed
from host.telephony.transfer.headers import headers_of
from host.telephony.transfer.hold import without_hearing
from host.telephony.transfer.refer import refer, require
from host.telephony.transfer.ways import Way, ways_to

log = logging.getLogger("host")

CLOSING_LIMIT = 10.0
"""Seconds that a transfer may take to hang up the colleague once the call has ended."""


class Handover:
    """Transfers one call; one attempt at a time."""

    def __init__(self, job: JobContext, call: LiveCall, far_end: LiveKitFarEnd) -> None:
        self._job, self._call, self._far_end = job, call, far_end
        self._work: asyncio.Task[None] | None = None
        self._referred = False
        """True while a REFER is pending."""
        self._given_up = False
        """True once nobody waits for the transfer any more."""

    @property
    def under_way(self) -> bool:
        """True while a target is being asked or called."""
        return self._work is not None and not self._work.done()

    async def hand_over(
        self, name: str, target: TransferTarget, announcement: str, summary: str
    ) -> None:
        """Transfer the call to a target, or to one of those that follow it.

        Raises HostError if none accepts.
        """
        call, self._given_up = self._call, False
        if call.over or call.state.connected or self.under_way:
            raise HostError("the call is already being transferred, or has ended")
        work = asyncio.create_task(self._try_each(name, target, announcement, summary))
        work.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._work = work
        try:
            either: list[asyncio.Future[Any]] = [work, call.ending]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not work.done():
                self._given_up = True
                if self._referred and not call.over:
                    # Only the task that requested the transfer is cancelled. A REFER can't be
                    # recalled, so its result is awaited and recorded without that task.
                    call.ending.add_done_callback(lambda ending: work.cancel())
                else:
                    # Hanging up the colleague must not be cancelled a second time, so this is
                    # done once.
                    work.cancel()
                    await asyncio.wait({work})
        if work.cancelled():
            raise TransferFailed(
                "the call ended during the transfer" if call.over else "the transfer was aborted"
            )
        work.result()

    async def abort(self) -> None:
        """Cancel a transfer in progress, and hang up the colleague; the far end stays.

        A REFER can't be recalled: the far end may still leave.
        """
        if self._work is not None and not self._work.done():
            self._given_up = True
            self._work.cancel()
            await asyncio.wait({self._work})

    async def close(self) -> None:
        """Wait until a transfer cut off by the call's end has hung up the colleague."""
        if self._work is not None:
            await asyncio.wait({self._work}, timeout=CLOSING_LIMIT)

    async def _try_each(
        self, name: str, target: TransferTarget, announcement: str, summary: str
    ) -> None:
        """Announce the transfer, and make attempts until one succeeds."""
        call, failures = self._call, list[HostError]()
        trunk = bool(call.persona_settings.trunk)
        with without_hearing(call):
            for way in ways_to(target, telephone=call.telephone, trunk=trunk):
                if way.if_refused and not isinstance(failures[-1], ReferRefused):
                    continue
                if failures and (self._given_up or call.over or self._far_end.left):
                    break
                tried = self._note(name, way)
                try:
                    async with self._recorded(tried):
                        require(call, way.target)
                        if announcement:
                            await call.say(announcement, interruptible=False)
                            await asyncio.sleep(LINGER)
                            announcement = ""
                        await self._go(way, tried, summary)
                    return
                except HostError as error:
                    failures.append(error)
            await self._report_failure(name)
        raise _together(failures)

    def _note(self, name: str, way: Way) -> Transfer:
        """Begin the record of an attempt."""
        tried = Transfer(
            at=now(),
            to=name,
            number=way.target.number,
            mode=way.mode,
            warm=way.target.warm,
            succeeded=False,
        )
        self._call.state.transfers.append(tried)
        return tried

    @contextlib.asynccontextmanager
    async def _recorded(self, tried: Transfer) -> AsyncIterator[None]:
        """Record how an attempt fails. Raises HostError instead of anything unexpected."""
        try:
            yield
        except asyncio.CancelledError:
            ending = self._call.ending.result() if self._call.over else None
            if ending and ending.outcome is Outcome.TRANSFERRED:
                tried.succeeded = True  # the far end hung up on whoever had answered
            if not tried.succeeded:
                tried.reason = ending.reason if ending else "the transfer was aborted"
            raise
        except Exception as error:
            if not isinstance(error, HostError):
                log.exception("the transfer to %s failed unexpectedly", tried.to)
                error = TransferFailed("an internal error occurred")
            tried.reason = str(error)
            tried.sip_status = getattr(error, "sip_status", None)
            raise error from None

    async def _go(self, way: Way, tried: Transfer, summary: str) -> None:
        """Make one attempt. Raises TransferFailed."""
        bridge = Bridge(self._job, self._call, self._far_end, tried, way.target, summary)
        if way.mode == "warm":
            await bridge.warm()
        elif way.mode == "bridge":
            await bridge.cold()
        else:
            await self._refer(way.target, tried, summary)

    async def _refer(self, target: TransferTarget, tried: Transfer, summary: str) -> None:
        headers = headers_of(target, self._call, summary)
        self._referred = True
        try:
            await refer(self._job, self._call, self._far_end, target, headers)
        finally:
            self._referred = False
        tried.succeeded = True
        reason = f"the call was transferred to {tried.to}"
        self._call.end(Ending(Outcome.TRANSFERRED, "persona", reason))

    async def _report_failure(self, name: str) -> None:
        words = self._call.persona_settings.words.transfer_failed.format(name=name)
        if words and not self._call.over and not self._far_end.left:
            with contextlib.suppress(RuntimeError):  # the session is closing, or not created
                await self._call.say(words, interruptible=False)


def _together(failures: list[HostError]) -> HostError:
    """Return one error for all failed attempts."""
    if len(failures) == 1:
        return failures[0]
    status = getattr(failures[-1], "sip_status", None)
    return TransferFailed("; then ".join(map(str, failures)), status)
