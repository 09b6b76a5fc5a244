"""Lets an operator talk with the far end in the persona's place, and takes the call back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Literal

from livekit import api, rtc
from livekit.agents import UserInputTranscribedEvent

from host.base.clock import now
from host.call.live import LiveCall
from host.dispatch.guests import OPERATOR
from host.dispatch.orders import ACCEPTED
from host.dispatch.rooms import notify_watchers, put_out
from host.dispatch.stepping_in import ATTRIBUTE, REFUSED, TALKING, read
from host.records.record import OperatorShare, Utterance
from host.speech.stepping_out import back_from, stepped_out
from host.telephony.packets import packets_of
from host.telephony.transfer.listening import listening, listening_session

log = logging.getLogger("host")

COMES_LIMIT = 20.0
"""Seconds in which an operator's microphone must be there."""
LOOK = 0.5
"""Seconds between looks at the operator's packets, for which the SDK has no event."""
STILL = 4.0
"""Seconds without a packet after which an operator counts as lost."""
Gone = Literal["handed back", "lost"]


class SteppingIn:
    """Obeys the operators who take one call over, one at a time."""

    def __init__(self, call: LiveCall, room: rtc.Room, livekit: api.LiveKitAPI) -> None:
        self._call, self._room, self._livekit = call, room, livekit
        self._awaited = ""
        """Identity of the operator who is awaited, or talks."""
        self._moved = asyncio.Event()
        self._left: Gone | None = None
        room.on("participant_attributes_changed", self._on_attributes)
        room.on("participant_connected", self._on_joined)
        room.on("participant_disconnected", self._on_left)
        room.on("track_subscribed", lambda *facts: self._moved.set())
        self._end_orphaned()
        self._obey(room.local_participant.attributes)  # it may be older than this process

    def _end_orphaned(self) -> None:
        """Put out the operator of a process that died: the persona has the call again."""
        if self._call.state.operators and self._call.state.operators[-1].until is None:
            self._close(self._call.state.operators[-1], "lost")
            for identity in self._room.remote_participants:
                if identity.startswith(OPERATOR):
                    self._put_out(identity)

    def _on_attributes(self, changed: Mapping[str, str], who: rtc.Participant) -> None:
        if who.identity == self._room.local_participant.identity:
            self._obey(changed)

    def _on_joined(self, who: rtc.RemoteParticipant) -> None:
        """Put out an operator who comes too late, or again: the persona has the call."""
        if who.identity.startswith(OPERATOR) and who.identity != self._awaited:
            self._put_out(who.identity)

    def _on_left(self, who: rtc.RemoteParticipant) -> None:
        if who.identity == self._awaited:
            asked = who.disconnect_reason == rtc.DisconnectReason.CLIENT_INITIATED
            self._left = "handed back" if asked else "lost"
            self._moved.set()

    def _obey(self, attributes: Mapping[str, str]) -> None:
        call, value = self._call, attributes.get(ATTRIBUTE)
        if not value or value == ACCEPTED or value.startswith(REFUSED) or call.over:
            return
        identity = read(value, call.state.id, call.settings)
        if identity is None:
            log.warning("an order to take the call over is not signed for it, and is ignored")
            return
        why = self._why_not
        answer = {ATTRIBUTE: f"{REFUSED}{why}" if why else ACCEPTED}
        call.spawn(notify_watchers(self._room, answer), "answering an operator")
        if why is None:
            self._awaited, self._left = identity, None
            call.spawn(self._serve(identity), "an operator's talk")

    @property
    def _why_not(self) -> str | None:
        """Why nobody can take the call over now; None if somebody can."""
        call = self._call
        if self._awaited:
            return "an operator takes the call over already"
        if call.session is None or not call.greeting_over.is_set():
            return "the persona has not greeted yet"
        if call.state.connected or call.bridged or (call.transfers and call.transfers.under_way):
            return "the call is being transferred"
        if call.giving_up:
            return "the call is about to end"
        return None

    async def _serve(self, identity: str) -> None:
        """Wait for an operator; let them talk until they have left, and take the call back."""
        try:
            if await self._comes(identity):
                await self._talk(identity)
            else:
                log.warning("the operator who was to take the call over has not come")
        finally:
            self._awaited = ""

    async def _comes(self, identity: str) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(COMES_LIMIT):
                while not self._heard(identity):
                    if self._left:
                        return False
                    self._moved.clear()
                    await self._moved.wait()
                return True
        self._put_out(identity)
        return False

    async def _talk(self, identity: str) -> None:
        call, talk = self._call, OperatorShare(since=now())
        log.info("an operator takes the call over")
        call.state.operators.append(talk)
        self._note(identity)
        async with stepped_out(call), self._transcribed(identity) as heard:
            gone = await self._gone(identity)
        if call.over:
            return  # the far end hung up, and the operator was put out like everybody
        self._close(talk, gone)
        self._note("")
        log.info("the persona has the call back from the operator: %s", gone)
        await back_from(call, talk, heard=heard)

    def _note(self, identity: str) -> None:
        """Write the checkpoint, and tell the operator's page."""
        self._call.save()
        if self._call.live_events:
            self._call.live_events.look()
        talking = notify_watchers(self._room, {TALKING: identity})
        self._call.spawn(talking, "telling who talks")

    def _close(self, talk: OperatorShare, gone: Gone) -> None:
        talk.until, talk.ended = now(), gone

    async def _gone(self, identity: str) -> Gone:
        """Wait until an operator has left, or their packets are missing; then put them out."""
        loop = asyncio.get_running_loop()
        seen, since = -1, loop.time()
        while True:
            self._moved.clear()
            if self._left:
                return self._left
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), LOOK)
            who = self._room.remote_participants.get(identity)
            count = await packets_of(who, seen) if who else None
            if count is not None and count != seen:
                seen, since = count, loop.time()
            elif self._stands and loop.time() - since >= STILL and not self._left:
                self._put_out(identity)
                return "lost"

    @property
    def _stands(self) -> bool:
        """Whether our own connection to LiveKit stands."""
        return self._room.connection_state == rtc.ConnectionState.CONN_CONNECTED

    def _heard(self, identity: str) -> bool:
        """Return whether an operator is in the room, with a microphone."""
        who = self._room.remote_participants.get(identity)
        return who is not None and any(each.track for each in who.track_publications.values())

    def _put_out(self, identity: str) -> None:
        what = "putting an operator out of the room"
        self._call.spawn(put_out(self._livekit, self._call.state.room, identity), what)

    @contextlib.asynccontextmanager
    async def _transcribed(self, identity: str) -> AsyncIterator[bool]:
        """Write down what the operator says; give whether that is possible."""
        call = self._call
        try:
            session = listening_session(call)
            session.on("user_input_transcribed", self._on_words)
            opened = contextlib.AsyncExitStack()
            await opened.enter_async_context(
                listening(session, self._room, identity=identity, speaks=False)
            )
        except Exception:
            log.exception("the operator's words are not transcribed")
            yield False
            return
        async with opened:
            yield True

    def _on_words(self, event: UserInputTranscribedEvent) -> None:
        if event.is_final and event.transcript.strip():
            call, at = self._call, now()
            text = call.unrecorded.spoken(event.transcript, at)
            call.state.transcript.append(Utterance(at=at, who="operator", text=text))
            call.transcript_changed.set()
