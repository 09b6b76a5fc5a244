"""The far end in LiveKit's room: its status, its departure, and hanging it up.

The far end is one participant: a SIP participant, a browser or an app. Its name and number are
untrusted and may arrive late, so they are sanitized and cut here. Only a SIP participant's `sip.*`
attributes are LiveKit's own. One module in spite of its length: status, departure and hang-up share
the same few fields.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from livekit import rtc

from host.base.clock import now
from host.base.text import quote
from host.call.caller import name_shown, number_shown
from host.call.headers import headers_shown
from host.call.live import LiveCall
from host.call.reached import only_recordings
from host.call.state import CallStatus, Moment
from host.dispatch.rooms import delete_room, put_out
from host.records.ending import CallEnded, Ending
from host.records.outcome import Outcome
from host.records.record import Who
from host.telephony.arrival import FAR_ENDS, CallerLeft, rung_since, wait_for_caller
from host.telephony.keys import TelephoneKeys
from host.telephony.packets import Packets
from host.telephony.reconnect import NOT_SAID, resubscribe, wait_for_rejoin

if TYPE_CHECKING:
    from livekit.agents import JobContext

log = logging.getLogger("host")

STATUS_LIMIT = 10.0
"""Seconds to wait for the first `sip.callStatus`; some arrive 0.7 s late."""

ROOM_LIMIT = 1.0
"""Seconds to wait for the event that our room was closed."""

MOMENTS: Mapping[CallStatus, Moment] = {
    CallStatus.DIALING: "dialled",
    CallStatus.RINGING: "ringing",
    CallStatus.ACTIVE: "answered",
}
"""The timestamp that a call status sets."""

_SIP = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
_PUT_OUT = (
    rtc.DisconnectReason.ROOM_DELETED,
    rtc.DisconnectReason.PARTICIPANT_REMOVED,
    rtc.DisconnectReason.SERVER_SHUTDOWN,
)


class LiveKitFarEnd:
    """The far end of one call, as LiveKit's room shows it."""

    def __init__(self, job: JobContext, call: LiveCall) -> None:
        self._job = job
        self._call = call
        self.room = job.room
        self._moved = asyncio.Event()
        self._resubscribing: asyncio.Task[None] | None = None
        self._status: CallStatus | None = None
        self._sip = False
        self.pressed_at_answer = False
        """True once LiveKit SIP has begun to press the keys of the dial."""
        self.keys = TelephoneKeys(job.room, call)
        self.packets = Packets(call, self)
        self.room.on("participant_connected", self._on_connected)
        self.room.on("participant_disconnected", self._on_disconnected)
        self.room.on("participant_attributes_changed", self._on_attributes)
        self.room.on("disconnected", self._on_room_gone)
        self.room.on("reconnected", self._on_reconnected)

    @property
    def identity(self) -> str | None:
        """Its participant identity; None until known."""
        return self._call.state.far_end

    @property
    def colleague(self) -> tuple[str, str] | None:
        """Identity and name of the colleague it was handed over to; None before that."""
        return self._call.state.colleague

    @property
    def participant(self) -> rtc.RemoteParticipant | None:
        """Its participant; None while it is not in the room."""
        return self.room.remote_participants.get(self.identity) if self.identity else None

    @property
    def left(self) -> bool:
        """True once the far end has hung up, even if it is still in the room."""
        return self.participant is None or self._sip_status == CallStatus.HANGUP

    @property
    def telephone(self) -> bool:
        """True for a SIP participant."""
        return self._call.state.outbound or self._sip

    @property
    def pressing(self) -> bool:
        """True while keys are being sent."""
        return self.keys.pressing

    # Arrival

    async def arrive(self, limit: float) -> None:
        """Wait for the caller to join, at most `limit` seconds.

        Raises TimeoutError, or CallEnded if the caller leaves or the room is closed meanwhile.
        """
        try:
            participant = await wait_for_caller(self._job, limit)
        except CallerLeft:
            raise CallEnded(self._given_up()) from None
        except RuntimeError:  # the room was closed: its own event ends the call
            await asyncio.wait({self._call.ending}, timeout=ROOM_LIMIT)
            self._put_out()
            raise CallEnded(self._call.ending.result()) from None
        self._call.state.far_end, self._sip = participant.identity, participant.kind == _SIP
        self._call.state.number = number_shown(_of_sip(participant, "phoneNumber"))
        self._know_caller(participant)
        if self.telephone:
            self._call.state.ringing_at = rung_since(participant, now())
        self._follow(participant)

    async def described(self, limit: float) -> None:
        """Wait until LiveKit SIP has set its attributes, at most `limit` seconds.

        It joins without its headers, and then sets them together with its status.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while self._sip and self.participant is not None and self._sip_status is None:
                    self._moved.clear()
                    await self._moved.wait()

    def expect(self, identity: str) -> None:
        """Set the identity that the far end will have, before it is dialled."""
        self._call.state.far_end = identity
        if participant := self.participant:
            self._follow(participant)

    def dialling(self) -> None:
        """Set the status `dialing`: LiveKit's own event may arrive after `ringing`."""
        self._set_status(CallStatus.DIALING)

    def rejoin(self) -> None:
        """Resume a call of another process: adopt the far end, and the colleague if still there."""
        state = self._call.state
        participant = self.participant
        if participant is None:
            reason = f"the {state.other_party} hung up"
            self._call.end(Ending(Outcome.COMPLETED, "far end", reason))
            return
        self._sip = participant.kind == _SIP
        self._know_caller(participant)
        self._follow(participant)
        if state.colleague and state.colleague[0] not in self.room.remote_participants:
            state.colleague = None

    async def rings(self) -> None:
        """Wait until a telephone that is dialled rings, or is answered at once."""
        while self._call.state.ringing_at is None and not self._active():
            self._moved.clear()
            await self._moved.wait()

    async def answered(self) -> None:
        """Wait for the answer: status `active` of a telephone; a browser has answered at once."""
        if self.telephone:
            await self._until_active()
        self._call.state.mark("answered")

    async def _until_active(self) -> None:
        patience = asyncio.get_running_loop().time() + STATUS_LIMIT
        while not self._active():
            self._moved.clear()
            left = patience - asyncio.get_running_loop().time()
            silent = self._sip_status is None
            if silent and left <= 0:
                log.warning("LiveKit SIP sent no call status, assuming an answered call")
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), max(left, 0.1) if silent else None)

    def _active(self) -> bool:
        return self._sip_status == CallStatus.ACTIVE

    @property
    def _sip_status(self) -> str | None:
        return _of_sip(self.participant, "callStatus") if self.participant else None

    def _know_caller(self, participant: rtc.RemoteParticipant) -> None:
        call = self._call
        call.state.caller_name = name_shown(participant.name)
        if call.call.caller.number and not call.call.caller.plausible:
            log.warning("the caller ID is not a plausible number: %s", quote(call.state.number))

    def _follow(self, participant: rtc.RemoteParticipant) -> None:
        our_number = number_shown(_of_sip(participant, "trunkPhoneNumber"))
        self._call.state.our_number = self._call.state.our_number or our_number
        self._call.state.trunk = _of_sip(participant, "trunkID") or self._call.state.trunk
        if participant.kind == _SIP:
            self._call.state.headers = headers_shown(participant.attributes)
        status = _of_sip(participant, "callStatus")
        if status is not None and status in {*CallStatus}:
            self._set_status(CallStatus(status))

    def _set_status(self, status: CallStatus) -> None:
        call = self._call
        if status == self._status:
            return
        self._status = status
        self.pressed_at_answer |= status is CallStatus.AUTOMATION
        call.state.status = status
        if moment := MOMENTS.get(status):
            call.state.mark(moment)
        call.events.emit("call_status_changed", status=status)

    # Events of the room

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self.identity:
            self._follow(participant)
            self._moved.set()

    def _on_attributes(self, changed: Any, participant: rtc.Participant) -> None:
        if participant.identity == self.identity and isinstance(participant, rtc.RemoteParticipant):
            self._follow(participant)
            self._moved.set()

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        if self.colleague and participant.identity == self.colleague[0]:
            put_out = participant.disconnect_reason in _PUT_OUT
            self._end_connected("livekit" if put_out else "colleague")
        if participant.identity != self.identity:
            return
        if participant.disconnect_reason in NOT_SAID:
            self._call.spawn(self._out_of_sight(), "waiting for the far end to rejoin")
        else:
            self._has_left(participant.disconnect_reason)

    async def _out_of_sight(self) -> None:
        if self.identity and await wait_for_rejoin(self.room, self.identity):
            log.warning("the far end rejoined after LiveKit was unreachable, the call continues")
        else:
            self._has_left(None)

    def _has_left(self, reason: Any) -> None:
        """End the call: the far end has left the room."""
        told = self._status is CallStatus.HANGUP
        self._set_status(CallStatus.HANGUP)  # LiveKit SIP does not always send it
        self._moved.set()
        call = self._call
        if reason in _PUT_OUT:
            self._put_out()
        elif self.colleague:
            self._end_connected("far end")
        elif call.state.outbound and not call.state.answered:
            return  # `dial` ends the call: it has the SIP status
        elif call.hangup_ending:
            call.end(call.hangup_ending)
        elif ending := self.packets.ending(told=told):
            call.end(ending)
        elif self._gave_up:
            call.end(self._given_up())
        else:
            during = " while the call was on hold" if call.hold.active else ""
            reason = f"the {call.state.other_party} hung up{during}"
            call.end(Ending(Outcome.COMPLETED, "far end", reason))

    @property
    def _gave_up(self) -> bool:
        """True if a caller or callee has waited for the persona's first word, and not a machine."""
        state = self._call.state
        played = state.outbound and only_recordings(state.transcript)
        return state.first_word_at is None and not (self._call.hold.active or played)

    def _given_up(self) -> Ending:
        reason = f"the {self._call.state.other_party} hung up before the persona spoke"
        return Ending(Outcome.ABANDONED, "far end", reason)

    def _on_reconnected(self) -> None:
        if self._resubscribing:
            self._resubscribing.cancel()
        what = "subscribing to the far end again"
        self._resubscribing = self._call.spawn(resubscribe(self.room), what)

    def _on_room_gone(self, reason: Any) -> None:
        state = self._call.state
        if reason == rtc.DisconnectReason.ROOM_CLOSED and not (state.outbound or state.answered):
            self._call.end(self._given_up())  # LiveKit closes a room that its caller has left
        else:
            self._put_out()

    def _put_out(self) -> None:
        """End the call: the room was closed or the far end removed through LiveKit's API."""
        call = self._call
        if self.colleague:
            self._end_connected("livekit")
        elif call.state.answered:
            call.end(Ending(Outcome.COMPLETED, "livekit", "the room was closed"))
        else:
            reason = "the room was closed before the call was answered"
            call.end(Ending(Outcome.CANCELLED, "livekit", reason))

    def _end_connected(self, by: Who) -> None:
        """End a call in which the far end was connected to a colleague."""
        assert self.colleague
        caller = self._call.state.other_party
        ways = {"far end": f"the {caller} hung up", "colleague": "the colleague hung up"}
        how = ways.get(by, "the room was closed")
        reason = f"{how} after the transfer to {self.colleague[1]}"
        self._call.end(Ending(Outcome.TRANSFERRED, by, reason))

    # Actions

    def connect(self, identity: str, name: str) -> None:
        """Connect the far end to a colleague in the room; the persona leaves the call."""
        self._call.state.colleague = (identity, name)
        if identity not in self.room.remote_participants:
            self._end_connected("colleague")  # they hung up while we were still listening

    async def press(self, written: str, *, private: bool = False) -> None:
        """Send keys and pauses, in the syntax of `read_presses`. Raises HostError."""
        await self.keys.press(written, private=private)

    async def gone(self, limit: float) -> None:
        """Wait until the far end has left the room, at most `limit` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while self.participant is not None:
                    self._moved.clear()
                    await self._moved.wait()

    async def hang_up(self) -> None:
        """Remove every caller and callee from the room; LiveKit SIP then sends a BYE."""
        for participant in list(self.room.remote_participants.values()):
            if participant.kind in FAR_ENDS:
                await put_out(self._job.api, self._call.state.room, participant.identity)
        if self.identity and self.telephone:
            self._set_status(CallStatus.HANGUP)  # we leave the room before LiveKit sends it

    async def leave(self) -> None:
        """Leave the room and delete it."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.room.disconnect(), 2)
        await delete_room(self._job.api, self._call.state.room)


def _of_sip(participant: rtc.RemoteParticipant, name: str) -> str | None:
    """Return a `sip.*` attribute; None if not a SIP participant, which could forge it."""
    return participant.attributes.get(f"sip.{name}") if participant.kind == _SIP else None
