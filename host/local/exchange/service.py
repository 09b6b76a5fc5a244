"""LiveKit's SIP API for calls: CreateSIPParticipant and TransferSIPParticipant.

Checks and texts as in livekit/protocol `livekit/sip.go` and livekit-server `pkg/service/sip.go`.
"""

import asyncio
from collections.abc import Callable

from google.protobuf.message import Message
from livekit import api
from livekit.protocol import sip

from host.local.exchange.call import PhoneCall
from host.local.exchange.directory import Directory
from host.local.exchange.errors import FROM_SIP_NODE, TwirpError
from host.local.exchange.leg import Leg
from host.local.exchange.office import Office
from host.local.exchange.outbound import Dial, Order
from host.local.exchange.subscriber import Subscriber
from host.local.exchange.transfer import Transfers, number_of

LONGEST_WAIT = 80.0
"""Seconds after which livekit-server gives up a request that waits for the answer."""

TRANSFER_TIMEOUT = 30.0
"""Default timeout of a transfer, in seconds."""

Claims = api.access_token.Claims


class CallService:
    """Dials and transfers for API clients."""

    def __init__(
        self, office: Office, directory: Directory, find: Callable[[str], Subscriber]
    ) -> None:
        self._office, self._directory, self._find = office, directory, find
        self._transfers = Transfers(office)

    async def create(
        self, request: sip.CreateSIPParticipantRequest, _: Claims
    ) -> sip.SIPParticipantInfo:
        """Dial a number into a room; wait for the answer if requested.

        The call continues if the client disconnects.
        """
        order = self._order(request)
        phone = self._find(request.sip_call_to)
        if phone.error and not phone.dialled:
            raise phone.error
        identity = request.participant_identity or f"sip_{request.sip_call_to}"
        media = self._office.media(identity)
        call = PhoneCall(request.sip_call_to, order.from_number, request.sip_call_to, media)
        call.on_transfer, call.first_packet = phone.on_transfer, phone.first_packet
        call.media_timeout = request.media.media_timeout.ToTimedelta().total_seconds()
        call.headers = dict(order.headers)
        leg, dial = Leg(request.room_name, identity, media), Dial(self._office, order, phone)
        self._office.live(call, leg, dial.live(call, leg))
        wanted = dial.answered if request.wait_until_answered else dial.joined
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                await asyncio.shield(wanted)
        except TimeoutError:
            raise TwirpError("deadline_exceeded", "request timed out") from None
        return sip.SIPParticipantInfo(
            participant_id=leg.sid,
            participant_identity=identity,
            room_name=request.room_name,
            sip_call_id=call.id,
        )

    async def transfer(self, request: sip.TransferSIPParticipantRequest, claims: Claims) -> Message:
        """Refer a call to another number; returns when the target has answered."""
        for field, noun in (
            (request.room_name, "room name"),
            (request.participant_identity, "participant identity"),
            (request.transfer_to, "transfer to"),
        ):
            if not field:
                raise TwirpError("invalid_argument", f"missing {noun}")
        number_of(request.transfer_to)
        video = claims.video
        if not video or not video.room_admin or video.room != request.room_name:
            raise TwirpError("unauthenticated", "permissions denied")
        call = await self._call(request.room_name, request.participant_identity)
        limit = request.ringing_timeout.ToTimedelta().total_seconds() or TRANSFER_TIMEOUT
        target = self._find(number_of(request.transfer_to))
        call.refer_headers = dict(request.headers)
        await self._transfers.transfer(
            call, request.transfer_to, target, limit, request.play_dialtone
        )
        return sip.TransferSIPParticipantResponse()

    async def _call(self, room: str, identity: str) -> PhoneCall:
        """Return the call of a participant. Raises livekit-server's error without one."""
        for call in self._office.legs:
            if (call.room, call.identity) == (room, identity):
                return call
        if await self._office.is_in_room(room, identity):
            raise TwirpError("invalid_argument", "no SIP session associated with participant")
        raise TwirpError("not_found", "participant does not exist")

    def _order(self, request: sip.CreateSIPParticipantRequest) -> Order:
        """Validate a request and find its trunk. If this raises, nothing was dialled."""
        profile = self._office.profile
        inline = request.HasField("trunk")
        if not request.sip_trunk_id and not inline:
            raise TwirpError("invalid_argument", profile.no_trunk)
        if not request.sip_call_to:
            raise TwirpError("invalid_argument", "missing sip callee number")
        if "@" in request.sip_call_to:
            text = "SipCallTo should be a phone number or SIP user, not a full SIP URI"
            raise TwirpError("invalid_argument", text)
        if not request.room_name:
            raise TwirpError("invalid_argument", "missing room name")
        if inline:
            host, numbers, headers = request.trunk.hostname, [], {}
        else:
            trunk = self._directory.outbound.get(request.sip_trunk_id)
            host, numbers, headers = trunk.address, list(trunk.numbers), dict(trunk.headers)
        number = request.sip_number or (numbers[0] if numbers else "")
        if not number:
            raise TwirpError("failed_precondition", FROM_SIP_NODE + "no numbers on outbound trunk")
        return Order(request, number, request.sip_trunk_id, host, headers | dict(request.headers))
