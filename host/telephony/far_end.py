"""The line of a call: its far end in the room, what it does, and what can be done to it.

The far end is one participant: a telephone behind LiveKit SIP, or a browser or app. Its name and
number are written by whoever calls, and some arrive late: what is used of them is bounded and
cleaned here. The `sip.*` attributes of a telephone alone are LiveKit's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from livekit import rtc

from host.base.errors import HostError
from host.base.text import quote
from host.call.call import Call
from host.call.caller import name_shown, number_shown
from host.call.keypad import KEYS, read_presses
from host.compliance import KeyRules
from host.dispatch.rooms import delete_room, put_out
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import Who
from host.telephony.reconnect import NOT_SAID, resubscribe, wait_for_rejoin

if TYPE_CHECKING:
    from livekit.agents import JobContext

log = logging.getLogger("host")

DIGIT_GAP = 0.5
"""Seconds from one key to the next, as LiveKit SIP plays them: 250 ms of tone, 250 ms of silence.

It queues what comes sooner (LiveKit's own helper sends every 0.3 s), which would eat up a pause.
"""
STATUS_LIMIT = 10.0
"""Seconds to wait for a telephone's first `sip.callStatus`; some arrive 0.7 s late."""

MOST_KEYS = 1000
"""Keys of the far end that are taken in one call. A browser may send as many in a second."""
STATUSES = ("dialing", "ringing", "automation", "active", "hangup")
"""What LiveKit SIP tells of a call."""

_SIP = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
_FAR_ENDS = [
    _SIP,
    rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
    rtc.ParticipantKind.PARTICIPANT_KIND_CONNECTOR,
]
_PUT_OUT = (
    rtc.DisconnectReason.ROOM_DELETED,
    rtc.DisconnectReason.PARTICIPANT_REMOVED,
    rtc.DisconnectReason.SERVER_SHUTDOWN,
)


class LiveKitFarEnd:
    """The far end of one call."""

    def __init__(self, job: JobContext, call: Call) -> None:
        self._job = job
        self._call = call
        self.room = job.room
        self._moved = asyncio.Event()
        self._pressing = asyncio.Lock()
        self._key_rules: KeyRules | None = None
        self._status: str | None = None
        self._sip = False
        self._keys = 0
        self.identity: str | None = None
        self.colleague: tuple[str, str] | None = None
        """Identity and name of whom the far end was handed over to."""
        self.room.on("participant_connected", self._on_connected)
        self.room.on("participant_disconnected", self._on_disconnected)
        self.room.on("participant_attributes_changed", self._on_attributes)
        self.room.on("sip_dtmf_received", self._on_digit)
        self.room.on("disconnected", self._on_room_gone)
        self.room.on("reconnected", lambda: resubscribe(self.room))

    @property
    def participant(self) -> rtc.RemoteParticipant | None:
        """The far end, while it is in the room."""
        return self.room.remote_participants.get(self.identity) if self.identity else None

    @property
    def left(self) -> bool:
        """True once the far end has hung up, even if it is not yet out of the room."""
        return self.participant is None or self._sip_status == "hangup"

    @property
    def telephone(self) -> bool:
        """True where the far end is behind LiveKit SIP."""
        return self._call.outbound or self._sip

    @property
    def pressing(self) -> bool:
        """True while keys are pressed."""
        return self._pressing.locked()

    # Who is there

    async def arrive(self, limit: float) -> None:
        """Wait for the caller, at most `limit` seconds. Raises TimeoutError."""
        waiting = self._job.wait_for_participant(kind=_FAR_ENDS)
        participant = await asyncio.wait_for(waiting, limit)
        self.identity, self._sip = participant.identity, participant.kind == _SIP
        self._call.number = number_shown(_of_sip(participant, "phoneNumber"))
        self._know_caller(participant)
        if self.telephone:
            self._call.mark("ringing")
        self._follow(participant)

    def expect(self, identity: str) -> None:
        """Say which participant the far end will be, before it is dialled."""
        self.identity = identity
        if participant := self.participant:
            self._follow(participant)

    def dialling(self) -> None:
        """Say that the far end is dialled now: LiveKit's own word may be overtaken by `ringing`."""
        self._told("dialing")

    def rejoin(self, identity: str, colleague: tuple[str, str] | None) -> None:
        """Go on with a far end that another process had on the line, and with its colleague."""
        self.identity = identity
        participant = self.participant
        if participant is None:
            reason = "The far end hung up."
            self._call.end(Ending(Outcome.COMPLETED, "far end", reason))
            return
        self._sip = participant.kind == _SIP
        self._know_caller(participant)
        self._follow(participant)
        if colleague and colleague[0] in self.room.remote_participants:
            self.connect(*colleague)

    async def answered(self) -> None:
        """Wait until somebody has picked up: at once with a browser, `active` with a telephone."""
        if self.telephone:
            await self._until_active()
        self._call.mark("answered")

    async def _until_active(self) -> None:
        patience = asyncio.get_running_loop().time() + STATUS_LIMIT
        while not self._active():
            self._moved.clear()
            left = patience - asyncio.get_running_loop().time()
            silent = self._sip_status is None
            if silent and left <= 0:
                log.warning("the telephone never told its status; going on")
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), max(left, 0.1) if silent else None)

    def _active(self) -> bool:
        return self._sip_status == "active"

    @property
    def _sip_status(self) -> str | None:
        return _of_sip(self.participant, "callStatus") if self.participant else None

    def _know_caller(self, participant: rtc.RemoteParticipant) -> None:
        call = self._call
        call.caller_name = name_shown(participant.name)
        if call.caller.number and not call.caller.plausible:
            log.warning("the caller shows no number that can be one: %s", quote(call.number))

    def _follow(self, participant: rtc.RemoteParticipant) -> None:
        ours = number_shown(_of_sip(participant, "trunkPhoneNumber"))
        self._call.our_number = self._call.our_number or ours
        status = _of_sip(participant, "callStatus")
        if status in STATUSES:
            self._told(status)

    def _told(self, status: str) -> None:
        call = self._call
        if status == self._status:
            return
        self._status = status
        call.status = status
        moment = {"dialing": "dialled", "ringing": "ringing", "active": "answered"}.get(status)
        if moment:
            call.mark(moment)
        call.tell("call_status_changed", status=status)

    # What LiveKit tells

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self.identity:
            self._follow(participant)
            self._moved.set()

    def _on_attributes(self, changed: Any, participant: rtc.Participant) -> None:
        if participant.identity == self.identity and isinstance(participant, rtc.RemoteParticipant):
            self._follow(participant)
            self._moved.set()

    def _on_digit(self, key: rtc.SipDTMF) -> None:
        if key.participant is None or key.participant.identity != self.identity:
            return
        if self._call.connected:
            return  # it is for the colleague's ears
        digit = key.digit.upper()
        if len(digit) != 1 or digit not in KEYS:
            return  # a packet that no telephone sends: anybody in the room can
        self._keys += 1
        if self._keys > MOST_KEYS:
            if self._keys == MOST_KEYS + 1:
                log.warning("the far end has pressed %d keys: no more are taken", MOST_KEYS)
            return
        self._call.keypad.pressed(digit)
        self._call.tell("digit_pressed", digit=digit)

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        if self.colleague and participant.identity == self.colleague[0]:
            put_out = participant.disconnect_reason in _PUT_OUT
            self._end_connected("livekit" if put_out else "colleague")
        if participant.identity != self.identity:
            return
        if participant.disconnect_reason in NOT_SAID:
            self._call.spawn(self._out_of_sight(), "waiting for the far end")
        else:
            self._has_left(participant.disconnect_reason)

    async def _out_of_sight(self) -> None:
        if self.identity and await wait_for_rejoin(self.room, self.identity):
            log.warning("LiveKit was lost for a while, and the far end is back: the call goes on")
        else:
            self._has_left(None)

    def _has_left(self, reason: Any) -> None:
        """Name the end of the call: the far end is out of the room."""
        self._told("hangup")  # LiveKit SIP does not always say so itself
        self._moved.set()
        call = self._call
        if reason in _PUT_OUT:
            self._put_out()
        elif self.colleague:
            self._end_connected("far end")
        elif call.outbound and not call.answered:
            return  # the dialling knows the reason, and names it
        elif call.if_hung_up:
            call.end(call.if_hung_up)
        elif "first_word" in call.times:
            call.end(Ending(Outcome.COMPLETED, "far end", "The far end hung up."))
        else:
            reason = "The far end hung up before a word was said."
            call.end(Ending(Outcome.ABANDONED, "far end", reason))

    def _on_room_gone(self, reason: Any) -> None:
        self._put_out()

    def _put_out(self) -> None:
        """Somebody else, with LiveKit's API, closed the room or put the far end out of it."""
        call = self._call
        if self.colleague:
            self._end_connected("livekit")
        elif call.answered:
            call.end(Ending(Outcome.COMPLETED, "livekit", "The room was closed."))
        else:
            call.end(Ending(Outcome.CANCELLED, "livekit", "The room was closed before an answer."))

    def _end_connected(self, by: Who) -> None:
        """End a call in which the far end and a colleague talked with each other."""
        assert self.colleague
        ways = {"far end": "The far end hung up", "colleague": "The colleague hung up"}
        reason = f"{ways.get(by, 'The room was closed')} after a transfer to {self.colleague[1]}."
        self._call.end(Ending(Outcome.TRANSFERRED, by, reason))

    # What can be done

    def connect(self, identity: str, name: str) -> None:
        """Leave the far end to a colleague, who is in the room: the persona's part is over."""
        self.colleague = (identity, name)
        self._call.connected = True

    async def press(self, written: str, *, private: bool = False) -> None:
        """Press keys and make pauses, as `read_presses` reads them. Raises HostError.

        It returns when the last key is out; what is pressed meanwhile waits for its turn. Keys that
        could dial a number that may not be called are refused, all of them.
        """
        presses = read_presses(written)
        if not self._call.answered:
            raise HostError("no key can be pressed before the call is answered")
        async with self._pressing:
            rules = self._key_rules = self._key_rules or self._rules_of_keys()
            verdict = rules.judge(presses)
            if not (verdict.allowed or self._call.deployment.keys_may_dial):
                raise HostError(str(verdict))
            for each in presses:
                if isinstance(each, str):
                    await self._press(each)
                    rules.pressed(each)
                    self._call.note_key("persona", each, private=private)
                else:
                    rules.paused()
                await asyncio.sleep(DIGIT_GAP if isinstance(each, str) else each)
            rules.paused()

    def _rules_of_keys(self) -> KeyRules:
        call = self._call
        rules = call.gate.numbers
        return KeyRules(rules, call.number, call.our_number, rung=not call.outbound)

    async def _press(self, key: str) -> None:
        if self.participant is None:
            raise HostError("the far end has left the call")
        try:
            await self.room.local_participant.publish_dtmf(code=KEYS.index(key), digit=key)
        except rtc.participant.PublishDTMFError as error:
            raise HostError("LiveKit can't be reached to press a key") from error

    async def gone(self, limit: float) -> None:
        """Wait until the far end has left the room, at most `limit` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while self.participant is not None:
                    self._moved.clear()
                    await self._moved.wait()

    async def hang_up(self) -> None:
        """Put everyone who called out of the room: LiveKit SIP says goodbye to a telephone."""
        for participant in list(self.room.remote_participants.values()):
            if participant.kind in _FAR_ENDS:
                await put_out(self._job.api, self._call.room, participant.identity)
        if self.identity and self.telephone:
            self._told("hangup")  # we leave before LiveKit could tell us

    async def leave(self) -> None:
        """Leave the room and delete it behind us."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.room.disconnect(), 2)
        await delete_room(self._job.api, self._call.room)


def _of_sip(participant: rtc.RemoteParticipant, name: str) -> str | None:
    """Read what LiveKit SIP tells of its telephone. Others may write such attributes themselves."""
    return participant.attributes.get(f"sip.{name}") if participant.kind == _SIP else None
