"""Calls a target into the caller's room, after consulting it if it is warm; the persona leaves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import textwrap
from collections.abc import Iterator

from livekit.agents import JobContext
from livekit.agents.utils.misc import is_cloud

from host.base.clock import now
from host.call.live import LiveCall
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
from host.telephony.transfer.headers import headers_of
from host.telephony.transfer.hold import hold_music
from host.telephony.transfer.room import consultation_room
from host.telephony.transfer.second_answer import SecondAnswer, second_answer

log = logging.getLogger("host")

CONSULT_LIMIT = 120.0
"""Seconds after which LiveKit SIP hangs up a colleague who is still being consulted."""
ARRIVAL_LIMIT = 5.0
"""Seconds in which a colleague who was moved must appear in the caller's room."""
SUMMARY_LIMIT = 400
"""Maximum length of the summary, in characters: the caller waits while it is read."""


class Bridge:
    """One attempt to connect the far end with a target in the room."""

    def __init__(
        self,
        job: JobContext,
        call: LiveCall,
        far_end: LiveKitFarEnd,
        tried: Transfer,
        target: TransferTarget,
        summary: str,
    ) -> None:
        self._job, self._call, self._far_end = job, call, far_end
        self._tried, self._target, self._summary = tried, target, summary
        self._patience = target.ringing_timeout if target.keys else 0.0
        """Seconds that an extension may ring after the keys."""
        self._moved: Colleague | None = None
        """The colleague, once moved from the consultation room into the caller's."""

    async def cold(self) -> None:
        """Call the target while the caller hears ringing. Raises TransferFailed."""
        colleague = self._colleague(self._call.state.room)
        try:
            await colleague.ring(BRIDGED_LIMIT, ringback=True)
            self._require_both()
            self._tried.connected_at = now()
            self._step_out()
        except BaseException:
            await colleague.hang_up()
            raise
        await self._tell_watchers()

    async def warm(self) -> None:
        """Consult the colleague and connect them with the caller. Raises TransferFailed."""
        call, room = self._call, self._far_end.room
        colleague, answer = None, None
        async with contextlib.AsyncExitStack() as listening:
            try:
                async with hold_music(room):
                    if not await self._consult():
                        answer = await listening.enter_async_context(second_answer(call, room))
                        colleague = self._colleague(call.state.room)
                        await colleague.ring(BRIDGED_LIMIT)
                    self._require_both()
                    self._tried.connected_at = now()
                with self._on_trial():
                    await self._judge(answer)
                    self._step_out()
            except BaseException:
                if there := colleague or self._moved:
                    await there.hang_up()
                raise
        await self._tell_watchers()

    def _colleague(self, room: str) -> Colleague:
        headers = headers_of(self._target, self._call, self._summary)
        return Colleague(self._job, self._call, self._target, room, headers)

    async def _consult(self) -> bool:
        """Dial and consult the colleague; return whether they are in the caller's room now.

        Raises TransferFailed unless they accept.
        """
        job, call, words = self._job, self._call, self._call.persona_settings.words
        summary = textwrap.shorten(self._summary, SUMMARY_LIMIT, placeholder=" ...")
        question = words.consult.format(name=self._tried.to, summary=summary)
        colleague = self._colleague(consult_room(call.state.room))
        async with consultation_room(job, call) as room, consultation(call, room) as talk:
            try:
                await colleague.ring(BRIDGED_LIMIT if self._can_move else CONSULT_LIMIT)
                reply = await talk.ask(" ".join(question.split()), patience=self._patience)
                if reply is Reply.ACCEPTED and not await self._move(colleague):
                    await talk.say_last(words.consult_accepted)
                elif reply is Reply.DECLINED:
                    await talk.say_last(words.consult_declined)
            finally:
                if self._moved is None:
                    await colleague.hang_up()
        if reply is not Reply.ACCEPTED:
            raise TransferFailed(f"{self._tried.to} {reply}")
        return self._moved is not None

    @property
    def _can_move(self) -> bool:
        """True on LiveKit Cloud: the open-source server can't move participants."""
        return is_cloud(self._call.settings.livekit_url)

    async def _move(self, colleague: Colleague) -> bool:
        """Move the colleague into the caller's room; False if LiveKit can't."""
        if not self._can_move or not await colleague.move(self._call.state.room):
            return False
        self._moved = colleague
        room, arrived = self._far_end.room, asyncio.Event()

        def look(_: object = None) -> None:
            if IDENTITY in room.remote_participants:
                arrived.set()

        room.on("participant_connected", look)
        try:
            look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(arrived.wait(), ARRIVAL_LIMIT)
        finally:
            room.off("participant_connected", look)
        return True

    def _require_both(self) -> None:
        """Raise TransferFailed unless both parties are in the room."""
        if self._call.over or self._far_end.left:
            raise TransferFailed(f"the {self._call.state.other_party} hung up")
        if IDENTITY not in self._far_end.room.remote_participants:
            raise TransferFailed(f"{self._tried.to} answered and hung up at once")

    @contextlib.contextmanager
    def _on_trial(self) -> Iterator[None]:
        """Let both talk while the persona can still come back."""
        call = self._call
        hung_up = f"the {call.state.other_party} hung up after the transfer to {self._tried.to}"
        call.hangup_ending = Ending(Outcome.TRANSFERRED, "far end", hung_up)
        call.bridged = True
        try:
            yield
        finally:
            call.hangup_ending, call.bridged = None, False

    async def _judge(self, answer: SecondAnswer | None) -> None:
        """Return if a person may have answered. Raises TransferFailed for a voicemail.

        Without a second answer, it is the person who accepted the call.
        """
        tried = self._tried
        if answer is None:
            tried.answered_by = AnsweredBy.HUMAN
            return
        answered_by = await answer.judge(self._patience)
        tried.answered_by = answered_by
        log.info("%s was called again, answered by %s", tried.to, answered_by)
        if answered_by.machine:
            network = answered_by is AnsweredBy.ANNOUNCEMENT
            what = "a network announcement" if network else "voicemail"
            raise TransferFailed(f"{what} answered when {tried.to} was called again")
        if answered_by is AnsweredBy.UNCERTAIN and not answer.spoke:
            self._require_both()

    def _step_out(self) -> None:
        """Close the persona's session; the job stays, to hang up when either party leaves."""
        self._far_end.connect(IDENTITY, self._tried.to)
        self._tried.succeeded = True
        if session := self._call.session:
            session.output.set_audio_enabled(False)  # a pending reply must not be heard
            session.shutdown()

    async def _tell_watchers(self) -> None:
        attributes = {
            "host.outcome": Outcome.TRANSFERRED.value,
            "host.reason": f"the call was transferred to {self._tried.to}",
        }
        await notify_watchers(self._far_end.room, attributes)
