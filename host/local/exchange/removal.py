"""Forwards RemoveParticipant and DeleteRoom after the telephones have unpublished."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import jwt
from aiohttp import web
from google.protobuf.message import Message
from livekit import api, rtc

from host.base.tasks import Tasks
from host.local.exchange.errors import TwirpError
from host.local.exchange.leg import Leg
from host.local.exchange.office import Office
from host.local.exchange.twirp import claims_of, decode

PREFIX = "/twirp/livekit.RoomService/"

_REQUESTS: dict[str, tuple[type[Message], int]] = {
    "RemoveParticipant": (
        api.RoomParticipantIdentity,
        rtc.DisconnectReason.PARTICIPANT_REMOVED,
    ),
    "DeleteRoom": (api.DeleteRoomRequest, rtc.DisconnectReason.ROOM_DELETED),
}
"""By method: the request, and the reason with which telephones leave."""
SDK_LIMIT = 3.0
"""Seconds in which a telephone's SDK notices that it is removed. While it reconnects, it does not,
and joins a new room of that name."""


class Removals:
    """Forwards the requests that remove telephones from rooms."""

    def __init__(
        self,
        office: Office,
        pass_on: Callable[[web.Request], Awaitable[web.StreamResponse]],
        api_key: str,
        api_secret: str,
    ) -> None:
        self._office, self._pass_on = office, pass_on
        self._verifier = api.TokenVerifier(api_key, api_secret)
        self._removed = Tasks()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, which must precede the proxy's catch-all."""
        return [web.post(PREFIX + name, self.serve) for name in _REQUESTS]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Forward the request and return the server's response."""
        what, reason = _REQUESTS[request.path.removeprefix(PREFIX)]
        async with AsyncExitStack() as refused:
            legs = await self._put_out_by(request, what())
            for leg in legs:
                if await leg.let_go():
                    refused.push_async_callback(leg.stay)
            answer = await self._pass_on(request)
            if answer.status == 200:
                refused.pop_all()
                for leg in legs:
                    self._removed.start(_make_sure(leg, reason), "ending a removed leg")
        return answer

    async def _put_out_by(self, request: web.Request, whom: Message) -> list[Leg]:
        """Return the legs that a request removes; empty if the server will reject it."""
        try:
            claims = claims_of(request, self._verifier)
            decode(whom, await request.read(), request.content_type != "application/json")
        except (jwt.InvalidTokenError, TwirpError):
            return []
        if not claims or not claims.video or not _allows(claims.video, whom):
            return []
        return [leg for leg in self._office.legs.values() if _is_put_out(leg, whom)]


async def _make_sure(leg: Leg, reason: int) -> None:
    """End a removed leg, if its SDK does not."""
    await asyncio.wait({leg.gone}, timeout=SDK_LIMIT)
    leg.put_out(reason)


def _allows(grants: api.VideoGrants, whom: Message) -> bool:
    if isinstance(whom, api.RoomParticipantIdentity):
        return bool(grants.room_admin) and grants.room == whom.room
    return bool(grants.room_create)


def _is_put_out(leg: Leg, whom: Message) -> bool:
    if isinstance(whom, api.RoomParticipantIdentity):
        return (leg.name, leg.identity) == (whom.room, whom.identity)
    assert isinstance(whom, api.DeleteRoomRequest)
    return leg.name == whom.room
