"""An outbound call to a telephone. Steps and timing as in livekit-sip's `outbound.go`."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from livekit.protocol.sip import CreateSIPParticipantRequest

from host.local.exchange.call import PhoneCall
from host.local.exchange.errors import FROM_SIP_NODE, TwirpError
from host.local.exchange.facts import Ending
from host.local.exchange.ids import new_id
from host.local.exchange.leg import Leg
from host.local.exchange.office import Office, seconds_of
from host.local.exchange.subscriber import REASONS, Subscriber

RINGING_TIMEOUT = 180.0
"""livekit-sip's ringing limit in seconds, if the request has none."""

NO_RESPONSE = 32.0
"""Seconds without a response after which an INVITE fails (RFC 3261 Timer B)."""


@dataclass(frozen=True)
class Order:
    """A validated CreateSIPParticipant: number, caller ID, trunk and headers."""

    request: CreateSIPParticipantRequest
    from_number: str
    trunk_id: str
    host: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Dial:
    """One attempt to dial; `joined` and `answered` are the results an API request waits for."""

    def __init__(self, office: Office, order: Order, phone: Subscriber) -> None:
        loop = asyncio.get_running_loop()
        self.joined: asyncio.Future[None] = loop.create_future()
        self.answered: asyncio.Future[None] = loop.create_future()
        self._office, self._order, self._phone = office, order, phone
        for outcome in (self.joined, self.answered):  # retrieves exceptions that no request awaits
            outcome.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def live(self, call: PhoneCall, leg: Leg) -> None:
        """Run the call: dial, ring, talk, end."""
        try:
            await self._join(call, leg)
            self.joined.set_result(None)
            await self._ring(call)
            await self._pick_up(call, leg)
        except Exception as error:
            failure = error
            if not isinstance(error, TwirpError):
                failure = TwirpError("internal", FROM_SIP_NODE + str(error))
            for outcome in (self.joined, self.answered):
                if not outcome.done():
                    outcome.set_exception(failure)
            if not isinstance(error, TwirpError):
                raise
            return
        self.answered.set_result(None)
        await asyncio.shield(call.over)

    async def _join(self, call: PhoneCall, leg: Leg) -> None:
        request, order = self._order.request, self._order
        attributes = dict(request.participant_attributes) | {
            "sip.callID": call.id,
            "sip.trunkID": order.trunk_id,
            "sip.callStatus": "dialing",
        }
        if not request.hide_phone_number:
            attributes["sip.phoneNumber"] = request.sip_call_to
            attributes["sip.trunkPhoneNumber"] = order.from_number
            attributes["sip.hostname"] = order.host
        token = self._office.token().with_kind("sip").with_name(request.participant_name)
        token.with_metadata(request.participant_metadata).with_attributes(attributes)
        await leg.join(self._office.url, token)
        self._office.joined(call, leg, request.max_call_duration.ToTimedelta().total_seconds())
        self._office.serve(call, leg, {})
        await leg.publish()
        await self._wait(call, next(self._office.invites_late))

    async def _ring(self, call: PhoneCall) -> None:
        """Send the INVITE and wait for a 200. Raises TwirpError for anything else."""
        request, phone, office = self._order.request, self._phone, self._office
        call.started_at = time.time()
        office.write(call, "INVITE", f"from {self._order.from_number} to {request.room_name}")
        patience = request.ringing_timeout.ToTimedelta().total_seconds() or RINGING_TIMEOUT
        if phone.rings or phone.early:
            await self._wait(call, min(0.05, phone.after or 0.05))
            await self._progress(call)
        elif phone.status == 0:
            patience = min(patience, NO_RESPONSE)
        left = patience - (time.time() - call.started_at)
        if phone.status == 0 or phone.after > left:
            await self._wait(call, left)
            call.sip_status = 0
            call.end(Ending("far end", "CANCEL", hangup=False))
            raise TwirpError("canceled", FROM_SIP_NODE + office.profile.no_answer)
        await self._wait(call, phone.after - (time.time() - call.started_at))
        if phone.error:
            call.sip_status = 503
            call.end(Ending("far end", phone.error.msg, hangup=False))
            raise phone.error
        if phone.status != 200:
            call.sip_status = phone.status
            call.end(Ending("phone", f"{phone.status} {phone.phrase}", hangup=False))
            raise office.profile.invite_failed(phone.status, phone.phrase)

    async def _progress(self, call: PhoneCall) -> None:
        """Take a 180, or a 183 with early media."""
        office, early = self._office, self._phone.early
        call.ringing()
        office.write(call, "RINGING", "183 with early media" if early else "")
        call.media.ringback_out = self._order.request.play_dialtone and not early
        if early:
            office.play_early(call, early)
        await office.legs[call].set_all({"sip.callStatus": "ringing"})

    async def _pick_up(self, call: PhoneCall, leg: Leg) -> None:
        office, dtmf = self._office, self._order.request.dtmf
        call.media.ringback_out = False
        office.answer(call, leg, self._phone.script)
        answered = {"sip.callIDFull": new_id(), "sip.callTag": new_id()}
        if office.profile.newer:
            answered["lk.sip.inviteTime"] = str(round(call.started_at * 1000))
            answered["lk.sip.answerTime"] = str(round(time.time() * 1000))
        if dtmf:
            await leg.set_all(answered | {"sip.callStatus": "automation"})
            for digit in dtmf:
                if digit != "w":
                    call.key_arrived(digit.lower())
                await self._wait(call, seconds_of(digit))
            answered = {}
        await leg.set_all(answered | {"sip.callStatus": "active"})
        leg.subscribe()

    async def _wait(self, call: PhoneCall, seconds: float) -> None:
        """Wait. Raises TwirpError if the leg is removed from its room meanwhile."""
        await asyncio.wait([call.over], timeout=max(0.0, seconds))
        if not call.over.done():
            return
        if call.answered_at or call.over.result().by != "phone":
            call.sip_status = call.sip_status or 487
            raise TwirpError("canceled", FROM_SIP_NODE + "canceled")
        call.sip_status = 603
        raise self._office.profile.invite_failed(603, REASONS[603])
