"""Runs a transfer: announcement, cold or warm attempt, and apology to the caller on failure."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import textwrap
from collections.abc import Iterator
from typing import Any

from livekit.agents import JobContext

from host.base.clock import now
from host.base.errors import HostError
from host.call.live import LINGER, LiveCall
from host.call.state import AnsweredBy
from host.dispatch.rooms import consult_room, notify_watchers
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import Transfer
from host.settings import TransferTarget
from host.telephony.dial import BRIDGED_LIMIT
from host.telephony.far_end import LiveKitFarEnd
from host.telephony.transfer.colleague import IDENTITY, Colleague
from host.telephony.transfer.consultation import Reply, consultation
from host.telephony.transfer.failure import TransferFailed
from host.telephony.transfer.hold import hold_music, without_hearing
from host.telephony.transfer.refer import refer, require
from host.telephony.transfer.room import consultation_room
from host.telephony.transfer.second_answer import SecondAnswer, second_answer

log = logging.getLogger("host")

CONSULT_LIMIT = 120.0
"""Seconds after which LiveKit SIP hangs up a colleague who is still being consulted."""
SUMMARY_LIMIT = 400
"""Maximum length of the summary, in characters: the caller waits while it is read."""
CLOSING_LIMIT = 10.0
"""Seconds that a transfer may take to hang up the colleague once the call has ended."""


class Handover:
    """Transfers one call; one attempt at a time."""

    def __init__(self, job: JobContext, call: LiveCall, far_end: LiveKitFarEnd) -> None:
        self._job, self._call, self._far_end = job, call, far_end
        self._work: asyncio.Task[None] | None = None
        self._referred = False
        """True while a REFER is pending."""

    async def hand_over(
        self, name: str, target: TransferTarget, announcement: str, summary: str
    ) -> None:
        """Transfer the call. Raises HostError if the target does not accept."""
        call = self._call
        if call.over or call.state.connected or (self._work and not self._work.done()):
            raise HostError("the call is already being transferred, or has ended")
        tried = Transfer(
            at=now(),
            to=name,
            number=target.number,
            mode="warm" if target.warm else "refer",
            warm=target.warm,
            succeeded=False,
        )
        call.state.transfers.append(tried)
        work = asyncio.create_task(self._try(tried, target, announcement, summary))
        work.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._work = work
        try:
            either: list[asyncio.Future[Any]] = [work, call.ending]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not work.done():
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
            raise TransferFailed("the call ended during the transfer")
        work.result()

    async def close(self) -> None:
        """Wait until a transfer cut off by the call's end has hung up the colleague."""
        if self._work is not None:
            await asyncio.wait({self._work}, timeout=CLOSING_LIMIT)

    async def _try(
        self, tried: Transfer, target: TransferTarget, announcement: str, summary: str
    ) -> None:
        with without_hearing(self._call):
            try:
                require(self._call, target)
                if announcement:
                    await self._call.say(announcement, interruptible=False)
                    await asyncio.sleep(LINGER)
                if target.warm:
                    await self._warm(tried, target, summary)
                else:
                    await self._cold(tried, target)
            except asyncio.CancelledError:
                if self._call.over and self._call.ending.result().outcome is Outcome.TRANSFERRED:
                    tried.succeeded = True  # the far end hung up on whoever had answered
                if not tried.succeeded:
                    over = self._call.ending.result().reason if self._call.over else ""
                    tried.reason = over or "the transfer was aborted"
                raise
            except Exception as error:
                if not isinstance(error, HostError):
                    log.exception("the transfer to %s failed unexpectedly", tried.to)
                    error = TransferFailed("an internal error occurred")
                tried.reason = str(error)
                tried.sip_status = getattr(error, "sip_status", None)
                await self._report_failure(tried)
                raise error from None

    async def _cold(self, tried: Transfer, target: TransferTarget) -> None:
        self._referred = True
        try:
            await refer(self._job, self._call, self._far_end, target)
        finally:
            self._referred = False
        tried.succeeded = True
        reason = f"the call was transferred to {tried.to}"
        self._call.end(Ending(Outcome.TRANSFERRED, "persona", reason))

    async def _warm(self, tried: Transfer, target: TransferTarget, summary: str) -> None:
        call, room = self._call, self._far_end.room
        colleague = Colleague(self._job, call, target, call.state.room)
        async with contextlib.AsyncExitStack() as listening:
            try:
                async with hold_music(room):
                    await self._consult(tried.to, target, summary)
                    answer = await listening.enter_async_context(second_answer(call, room))
                    await colleague.ring(BRIDGED_LIMIT)
                    self._require_both(tried.to)
                    tried.connected_at = now()
                with self._bridged(tried):
                    await self._judge(tried, answer)
                    self._step_out(tried)
            except BaseException:
                await colleague.hang_up()
                raise
        attributes = {
            "host.outcome": Outcome.TRANSFERRED.value,
            "host.reason": f"the call was transferred to {tried.to}",
        }
        await notify_watchers(self._far_end.room, attributes)

    def _require_both(self, name: str) -> None:
        """Raise TransferFailed unless both parties are in the room."""
        if self._call.over or self._far_end.left:
            raise TransferFailed(f"the {self._call.state.other_party} hung up")
        if IDENTITY not in self._far_end.room.remote_participants:
            raise TransferFailed(f"{name} answered and hung up at once")

    @contextlib.contextmanager
    def _bridged(self, tried: Transfer) -> Iterator[None]:
        """Let both talk while the persona can still come back."""
        call = self._call
        hung_up = f"the {call.state.other_party} hung up after the transfer to {tried.to}"
        call.hangup_ending = Ending(Outcome.TRANSFERRED, "far end", hung_up)
        call.bridged = True
        try:
            yield
        finally:
            call.hangup_ending, call.bridged = None, False

    async def _judge(self, tried: Transfer, answer: SecondAnswer) -> None:
        """Return if a person may have answered. Raises TransferFailed for a voicemail."""
        answered_by = await answer.judge()
        tried.answered_by = answered_by
        log.info("%s was called again, answered by %s", tried.to, answered_by)
        if answered_by.machine:
            network = answered_by is AnsweredBy.ANNOUNCEMENT
            what = "a network announcement" if network else "voicemail"
            raise TransferFailed(f"{what} answered when {tried.to} was called again")
        if answered_by is AnsweredBy.UNCERTAIN:
            self._require_both(tried.to)

    async def _consult(self, name: str, target: TransferTarget, summary: str) -> None:
        """Dial and consult the colleague. Raises TransferFailed unless they accept."""
        job, call, words = self._job, self._call, self._call.persona_settings.words
        summary = textwrap.shorten(summary, SUMMARY_LIMIT, placeholder=" ...")
        question = " ".join(words.consult.format(name=name, summary=summary).split())
        colleague = Colleague(job, call, target, consult_room(call.state.room))
        async with consultation_room(job, call) as room, consultation(call, room) as talk:
            try:
                await colleague.ring(CONSULT_LIMIT)
                reply = await talk.ask(question)
                if reply is Reply.ACCEPTED:
                    await talk.say_last(words.consult_accepted)
                elif reply is Reply.DECLINED:
                    await talk.say_last(words.consult_declined)
            finally:
                await colleague.hang_up()
        if reply is not Reply.ACCEPTED:
            raise TransferFailed(f"{name} {reply}")

    def _step_out(self, tried: Transfer) -> None:
        """Close the persona's session; the job stays, to hang up when either party leaves."""
        self._far_end.connect(IDENTITY, tried.to)
        tried.succeeded = True
        if session := self._call.session:
            session.output.set_audio_enabled(False)  # a pending reply must not be heard
            session.shutdown()

    async def _report_failure(self, tried: Transfer) -> None:
        words = self._call.persona_settings.words.transfer_failed.format(name=tried.to)
        if words and not self._call.over and not self._far_end.left:
            with contextlib.suppress(RuntimeError):  # the session is closing, or not created
                await self._call.say(words, interruptible=False)
