"""The edge of the process: what leaves it is what would be dialled, and it is all in a ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from livekit import api, rtc
from livekit.protocol import sip

from host.call.live import LiveCall
from host.local.exchange.twirp import PREFIX, Method, TwirpServer
from host.local.server import LocalServer
from host.records.ending import Ending
from host.telephony.dial import NotAnswered, dial
from host.telephony.far_end import LiveKitFarEnd
from host.telephony.transfer import Handover
from host.telephony.transfer.colleague import Colleague

SIP = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
KEY, SECRET = "devkey", "a-secret-that-is-long-enough-for-a-key"


class Carrier(LocalServer):
    """LiveKit's SIP API: every number is answered, every transfer taken."""

    def __init__(self) -> None:
        self.dialled: list[str] = []
        """What was to be dialled, in order."""
        self.requests: list[sip.CreateSIPParticipantRequest] = []
        """The same, as it was asked for."""
        self.referred: list[str] = []
        """Where callers were to be sent, in order."""

    def application(self) -> web.Application:
        """Serve the two methods that cost money."""
        methods = {
            "CreateSIPParticipant": Method(sip.CreateSIPParticipantRequest, "call", self._dial),
            "TransferSIPParticipant": Method(
                sip.TransferSIPParticipantRequest, "call", self._refer
            ),
        }
        application = web.Application()
        application.router.add_post(PREFIX + "{method}", TwirpServer(methods, KEY, SECRET).serve)
        return application

    async def _dial(self, request: Any, claims: Any) -> sip.SIPParticipantInfo:
        self.dialled.append(request.sip_call_to)
        self.requests.append(request)
        return sip.SIPParticipantInfo(participant_identity=request.participant_identity)

    async def _refer(self, request: Any, claims: Any) -> sip.TransferSIPParticipantResponse:
        self.referred.append(request.transfer_to)
        return sip.TransferSIPParticipantResponse(status=sip.STS_TRANSFER_SUCCESSFUL)

    @asynccontextmanager
    async def livekit(self) -> AsyncIterator[api.LiveKitAPI]:
        """Open LiveKit's own client of this API."""
        async with api.LiveKitAPI(self.url, KEY, SECRET) as livekit:
            yield livekit


class Room:
    """A room of LiveKit's SDK, in which one telephone is: it keeps the keys that are sent to it."""

    def __init__(self) -> None:
        self.keys = ""
        self.local_participant = SimpleNamespace(publish_dtmf=self._publish)
        self.remote_participants = {"sip_far_end": SimpleNamespace(attributes={}, kind=SIP)}

    def on(self, *event: Any) -> None:
        """Nothing happens in this room by itself."""

    async def _publish(self, *, code: int, digit: str) -> None:
        self.keys += digit


def put_on_line(call: LiveCall, livekit: api.LiveKitAPI) -> Room:
    """Give a call a real line and handover, in a room where the far end has answered."""
    room = Room()
    job: Any = SimpleNamespace(api=livekit, room=room)
    line = LiveKitFarEnd(job, call)
    call.job, call.far_end = job, line
    call.state.far_end = "sip_far_end"
    call.transfers = Handover(job, call, line)
    call.state.mark("answered")
    return room


async def place(livekit: api.LiveKitAPI, call: LiveCall) -> Ending | None:
    """Dial a call's number as the worker does; return why it was not, None where it was."""
    job: Any = SimpleNamespace(api=livekit, room=Room())
    line = LiveKitFarEnd(job, call)
    call.state.far_end = "sip_far_end"
    try:
        await dial(job, call, line)
    except NotAnswered as unanswered:
        return unanswered.ending
    return None


def colleague_of(livekit: api.LiveKitAPI, call: LiveCall, name: str) -> Colleague:
    """The colleague of a warm transfer."""
    job: Any = SimpleNamespace(api=livekit)
    return Colleague(job, call, call.persona_settings.transfers[name], "desk-1-consult")
