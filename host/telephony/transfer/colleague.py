"""Dials a colleague into a room."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping

import aiohttp
from livekit import api
from livekit.agents import JobContext

from host.call.live import LiveCall
from host.dispatch.rooms import put_out
from host.settings import TransferTarget, is_sip
from host.telephony.dial import NO_TRUNK, NotAnswered, duration, ring
from host.telephony.transfer.failure import TransferFailed

log = logging.getLogger("host")

IDENTITY = "colleague"
"""Participant identity of a colleague in either room. It is independent of the number: a colleague
may have the caller's own, and LiveKit removes a participant whose identity joins again."""
AGAIN = 0.5
"""Seconds between attempts to remove a participant that is still being dialled."""
TRIES = 20


class Colleague:
    """A colleague's telephone, in the consultation room or the caller's room."""

    def __init__(
        self,
        job: JobContext,
        call: LiveCall,
        target: TransferTarget,
        room: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`headers`: SIP headers of the INVITE."""
        self._job, self._call, self._target, self._room = job, call, target, room
        self._headers = dict(headers or {})
        self._dialling: asyncio.Task[None] | None = None

    async def ring(self, limit: float, *, ringback: bool = False) -> None:
        """Dial until answered and the keys are pressed. Raises TransferFailed.

        Talk is limited to `limit` seconds. `ringback`: let the room hear ringing meanwhile.
        """
        target = self._target
        trunk = self._call.persona_settings.trunk or ""
        if not (trunk or is_sip(target.number)):
            raise TransferFailed(NO_TRUNK)
        verdict = self._call.gate.transfer(target.number, target.presses)
        request = api.CreateSIPParticipantRequest(
            sip_trunk_id=trunk,
            sip_number=self._shown,
            room_name=self._room,
            participant_identity=IDENTITY,
            wait_until_answered=True,
            ringing_timeout=duration(target.ringing_timeout),
            max_call_duration=duration(target.ringing_timeout + limit),
            dtmf=target.dtmf,
            headers=self._headers,
            play_dialtone=ringback,
        )
        self._dialling = asyncio.create_task(ring(self._job.api, verdict, request))
        # Retrieves the exception if this coroutine is cancelled, or asyncio would log it.
        self._dialling.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            # An abandoned request keeps ringing: `hang_up` must know when it is finished.
            await asyncio.shield(self._dialling)
        except NotAnswered as unanswered:
            ending = unanswered.ending
            raise TransferFailed(ending.reason, ending.sip_status) from unanswered

    async def move(self, room: str) -> bool:
        """Move the colleague, who has answered, to another room; False if LiveKit can't."""
        request = api.MoveParticipantRequest(
            room=self._room, identity=IDENTITY, destination_room=room
        )
        try:
            await self._job.api.room.move_participant(request)
        except (api.ServerError, aiohttp.ClientError, TimeoutError) as error:
            log.warning("LiveKit did not move the colleague, who is called again: %s", error)
            return False
        self._room = room
        return True

    async def hang_up(self) -> None:
        """Remove the colleague from the room, or cancel the ringing."""
        if self._dialling is None:
            return
        for _ in range(TRIES):
            # A participant may join just after it was removed in vain, so the order matters.
            settled = self._dialling.done()
            await put_out(self._job.api, self._room, IDENTITY)
            if settled:
                return
            await asyncio.wait({self._dialling}, timeout=AGAIN)

    @property
    def _shown(self) -> str:
        """The caller ID that the colleague sees; empty: the trunk's own, which an address lacks."""
        number = self._call.state.number or ""  # untrusted
        if self._target.show_caller and re.fullmatch(r"\+?\d{3,15}", number, re.ASCII):
            return number
        ours = self._call.state.our_number if is_sip(self._target.number) else ""
        return self._call.persona_settings.caller_id or ours or ""
