"""State that all calls of an exchange share, and common steps of a call."""

import asyncio
import itertools
import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from functools import partial

from livekit import api, rtc

from host.local.exchange.call import CallTranscriber, PhoneCall
from host.local.exchange.facts import Ending
from host.local.exchange.hearing import Hearing
from host.local.exchange.ids import new_id
from host.local.exchange.ledger import Kind, Ledger
from host.local.exchange.leg import CannotJoin, Leg
from host.local.exchange.line import Line, PersonScript
from host.local.exchange.media import Media
from host.local.exchange.profiles import Profile
from host.local.exchange.pulse import Pulse
from host.local.exchange.rtp import Rtp
from host.local.speech import Sentences

PAUSE = 0.5
"""Seconds of a `w` among the digits that livekit-sip sends."""
SECONDS_A_DIGIT = 0.54
"""250 ms of tone, 250 ms of gap, and what livekit-sip loses between its packets."""

DAY = 24 * 3600.0
"""Maximum duration in seconds if neither trunk nor request sets one."""

log = logging.getLogger(__name__)


class Office:
    """Shared services of an exchange's calls."""

    def __init__(
        self,
        url: str,
        api_key: str,
        api_secret: str,
        profile: Profile,
        understood: Sentences | None,
        spoken: Sentences,
    ) -> None:
        self.url, self.profile = url, profile
        self._understood, self._spoken = understood, spoken
        self.ledger = Ledger()
        self.pulse = Pulse()
        self.calls: list[PhoneCall] = []
        """All calls, oldest first."""
        self.legs: dict[PhoneCall, Leg] = {}
        """Calls in progress, ringing ones included."""
        self.reinvite: Callable[[PhoneCall], bool] = lambda call: False
        """Sends a re-INVITE of a call; True: it was taken for a new one."""
        self.media: Callable[..., Media] = Media
        """Factory of a leg's audio."""
        self._key, self._secret = api_key, api_secret
        self._lives: set[asyncio.Task[None]] = set()
        self.answers_late = itertools.cycle(profile.answers_late)
        self.invites_late = itertools.cycle(profile.invites_late)

    def token(self) -> api.AccessToken:
        """Return a token for a participant, without grants."""
        return api.AccessToken(self._key, self._secret)

    async def is_in_room(self, room: str, identity: str) -> bool:
        """Return whether the server has this participant in the room."""
        whom = api.RoomParticipantIdentity(room=room, identity=identity)
        async with api.LiveKitAPI(self.url, self._key, self._secret) as server:
            try:
                await server.room.get_participant(whom)
            except api.ServerError:
                return False
        return True

    def live(self, call: PhoneCall, leg: Leg, life: Coroutine[None, None, None]) -> None:
        """Run a call in its own task; its leg leaves the room however it ends."""
        call.id = new_id("SCL_")
        call.room, call.identity = leg.name, leg.identity
        self.calls.append(call)
        self.legs[call] = leg
        self.pulse.beat()
        task = asyncio.create_task(self._live(call, leg, life), name=f"call {call.id}")
        self._lives.add(task)
        task.add_done_callback(self._lives.discard)

    async def turn_away(self, call: PhoneCall, reason: str) -> None:
        """Reject a call that several trunks claim; it enters no room."""
        self._note(call)
        self.write(call, "FINAL", f"{call.sip_status} {reason}")
        call.end(Ending("far end", reason, hangup=False))
        await call.wind_up()

    def ignore(self, call: PhoneCall, patience: float | None) -> None:
        """Let a call ring that no trunk or rule accepts, until its caller gives up."""
        self._note(call)
        call.ringing()
        task = asyncio.create_task(self._ignore(call, patience))
        self._lives.add(task)
        task.add_done_callback(self._lives.discard)

    async def _ignore(self, call: PhoneCall, patience: float | None) -> None:
        await asyncio.wait([call.over], timeout=patience)
        call.end(Ending("phone", "CANCEL", hangup=False))
        self.write(call, "CANCEL", "phone: CANCEL")
        self.write(call, "FINAL", "0")
        await call.wind_up()

    def _note(self, call: PhoneCall) -> None:
        call.id = new_id("SCL_")
        self.calls.append(call)
        self.write(call, "INVITE", f"from {call.caller}")

    def write(self, call: PhoneCall, kind: Kind, detail: str = "", number: str = "") -> None:
        """Write an event of a call to the ledger."""
        if not call.is_sip:
            return
        inbound = call.number == call.caller
        about = number or (call.called if inbound else call.number)
        self.ledger.write(kind, about, detail, call.id, inbound)

    def joined(self, call: PhoneCall, leg: Leg, max_duration: float) -> None:
        """End the call when its leg is removed from the room, or at its maximum duration."""

        def put_out(gone: asyncio.Future[int]) -> None:
            how = rtc.DisconnectReason.Name(gone.result()).lower().replace("_", " ")  # type: ignore[arg-type]
            call.end(Ending("far end", how, hangup=False))

        leg.gone.add_done_callback(put_out)
        expired = Ending("far end", "max call duration")
        limit = asyncio.get_running_loop().call_later(max_duration or DAY, call.end, expired)
        call.over.add_done_callback(lambda _: limit.cancel())

    def serve(self, call: PhoneCall, leg: Leg, headers: Mapping[str, str]) -> None:
        """Register livekit-sip's RPC methods (its `rpc.go`); the 2025 version has none."""
        if not self.profile.newer:
            return

        def end_call(payload: str) -> str:
            call.end(Ending("far end", "lk.sip.EndCall"))
            return "{}"

        leg.serve("lk.sip.EndCall", end_call)
        leg.serve("lk.sip.GetRemoteHeaders", lambda _: json.dumps({"headers": dict(headers)}))

    def answer(self, call: PhoneCall, leg: Leg, script: PersonScript | None) -> None:
        """Answer: from now on the telephone receives audio, words and keys, and `script` runs."""
        call.transcriber = self.transcriber(call)
        digits: asyncio.Queue[str] = asyncio.Queue()
        leg.on_digits = lambda several: _queue(several, digits)
        delivering = asyncio.create_task(_deliver(digits, call))
        call.over.add_done_callback(lambda _: delivering.cancel())
        call.on_press, call.on_reinvite = leg.press, partial(self.reinvite, call)
        call.pick_up()
        if call.is_sip:
            self._watch_packets(call)
        self.write(call, "ANSWERED")
        if script:
            call.begin(script, Line(call, self._spoken))

    def play_early(self, call: PhoneCall, script: PersonScript) -> None:
        """Send early media into the room, until the call is answered or over."""
        call.media.direct(sends=True, receives=False)
        call.begin_early(script, Line(call, self._spoken))

    def _watch_packets(self, call: PhoneCall) -> None:
        """End the call at LiveKit SIP's media timeout; of an outbound one, it tells no hang-up."""
        expired = Ending("far end", "media timeout", hangup=call.number == call.caller)
        timeout = call.media_timeout or self.profile.media_timeout
        call.rtp = rtp = Rtp(call.media, timeout, lambda: call.end(expired))
        rtp.start(call.first_packet, call.bridged_after)
        call.over.add_done_callback(lambda _: rtp.stop())

    def transcriber(self, call: PhoneCall) -> CallTranscriber | None:
        """Create the recognition of a call; None for deaf telephones."""
        return None if self._understood is None else Hearing(call, self._understood)

    async def close(self) -> None:
        """End all calls and wait until their legs have left."""
        for call in self.calls:
            call.end(Ending("exchange", "closed", hangup=False))
        if self._lives:
            await asyncio.wait(self._lives, timeout=10)
        for task in list(self._lives):
            task.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)

    async def _live(self, call: PhoneCall, leg: Leg, life: Coroutine[None, None, None]) -> None:
        try:
            await life
        except CannotJoin as error:
            log.warning("%r: %s", call, error)
            call.sip_status = 503
            call.end(Ending("far end", "the room can't be joined", hangup=False))
        except Exception as error:
            log.exception("%r broke", call)
            call.failure = error
        finally:
            call.end(Ending("exchange", "broke", hangup=False))
            await self._leave(call, leg)
            await call.wind_up()
            self.legs.pop(call, None)

    async def _leave(self, call: PhoneCall, leg: Leg) -> None:
        ending = call.over.result()
        who = f"{ending.by}: {ending.how}"
        if call.answered_at:
            self.write(call, "BYE", who)
        elif ending.how == "CANCEL" or call.sip_status == 487:
            self.write(call, "CANCEL", who)
        if not call.answered_at:
            self.write(call, "FINAL", str(call.sip_status or 0))
        if leg.gone.done() or not leg.sid:
            return
        if ending.hangup and call.is_sip:
            await leg.set_all({"sip.callStatus": "hangup"})
        inbound = call.number == call.caller
        failed = call.sip_status is not None and not call.answered_at and not inbound
        reason = self.profile.leave_reason(call.sip_status or 0) if failed else CLIENT_INITIATED
        await leg.leave(reason)


CLIENT_INITIATED = int(rtc.DisconnectReason.CLIENT_INITIATED)


def _queue(several: str, digits: asyncio.Queue[str]) -> None:
    for digit in several:
        digits.put_nowait(digit)


def seconds_of(digit: str) -> float:
    """Return the seconds that livekit-sip takes for a digit or a pause."""
    return PAUSE if digit == "w" else SECONDS_A_DIGIT


async def _deliver(digits: asyncio.Queue[str], call: PhoneCall) -> None:
    """Deliver digits at the rate of livekit-sip's RFC 4733 events: one each half second."""
    while True:
        digit = (await digits.get()).lower()
        if digit != "w":
            if digit not in "0123456789*#abcd":
                continue
            call.key_arrived(digit)
        await asyncio.sleep(seconds_of(digit))
