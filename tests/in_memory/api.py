"""LiveKit's HTTP API without HTTP: requests of the real client are answered from memory.

The rooms' and the dispatches' methods come from the `Server`, those of SIP from the local exchange.
`TwirpClient.request` is replaced, and its own `_server_error` makes the errors (livekit-api 1.2.2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import aiohttp
import jwt
import pytest
from google.protobuf.message import Message
from livekit import api
from livekit.api.twirp_client import TwirpClient

from host.local.exchange.errors import TwirpError
from host.local.exchange.twirp import Method

from .server import Refused, Server

ROUND_TRIP = 0.01
"""Seconds from a request to its answer, where nothing has to be waited for."""
DEFAULT_LIMIT = 60.0
"""Seconds that a request may take whose client does not say: aiohttp's own limit is longer."""

_STATUS = {"not_found": 404, "unavailable": 503, "unknown": 500}

Answer = Callable[[Any], Message]


class Api:
    """Answers `livekit.api`. Of a token, only the signature and the SIP grants are checked."""

    def __init__(self, server: Server, sip: Mapping[str, Method], key: str, secret: str) -> None:
        self._server, self._sip = server, sip
        self._verifier = api.TokenVerifier(key, secret)
        self.away = False
        """Whether no request comes through, as while LiveKit restarts."""
        self._answers: dict[str, Answer] = {
            "RoomService/CreateRoom": self._create_room,
            "RoomService/ListRooms": self._list_rooms,
            "RoomService/DeleteRoom": self._delete_room,
            "RoomService/UpdateRoomMetadata": self._update_room_metadata,
            "RoomService/ListParticipants": self._list_participants,
            "RoomService/GetParticipant": self._get_participant,
            "RoomService/RemoveParticipant": self._remove_participant,
            "RoomService/MoveParticipant": self._move_participant,
            "RoomService/UpdateParticipant": self._update_participant,
            "AgentDispatchService/CreateDispatch": self._create_dispatch,
            "AgentDispatchService/ListDispatch": self._list_dispatch,
        }

    async def request(
        self, service: str, method: str, data: Message, headers: Mapping[str, str], limit: float
    ) -> Message:
        """Answer a request. Raises LiveKit's ServerError, and as HTTP does."""
        async with asyncio.timeout(limit):
            await asyncio.sleep(ROUND_TRIP)
            if self.away:
                raise aiohttp.ClientConnectionError("LiveKit is away")
            claims = self._claims(headers)
            try:
                if service == "SIP":
                    return await self._of_sip(method, data, claims)
                return self._answers[f"{service}/{method}"](data)
            except Refused as error:
                body = {"code": error.code, "msg": str(error)}
                raise TwirpClient._server_error(body, _STATUS[error.code]) from error
            except TwirpError as error:
                raise TwirpClient._server_error(error.body(), error.http_status) from error

    def _claims(self, headers: Mapping[str, str]) -> api.access_token.Claims:
        try:
            return self._verifier.verify(headers["authorization"].removeprefix("Bearer "))
        except jwt.InvalidTokenError as error:
            raise TwirpClient._server_error({}, 401) from error  # as text, which is no JSON

    async def _of_sip(self, name: str, data: Message, claims: api.access_token.Claims) -> Message:
        method = self._sip[name]
        if not claims.sip or not getattr(claims.sip, method.grant):
            raise TwirpError("unauthenticated", "permissions denied")
        asked = method.request()
        asked.ParseFromString(data.SerializeToString())
        answer: Message = await method.answer(asked, claims)
        return answer

    def _create_room(self, request: api.CreateRoomRequest) -> Message:
        return self._server.create(request.name, request).info()

    def _list_rooms(self, request: api.ListRoomsRequest) -> Message:
        rooms = self._server.rooms.values()
        wanted = [room for room in rooms if not request.names or room.name in request.names]
        return api.ListRoomsResponse(rooms=[room.info() for room in wanted])

    def _delete_room(self, request: api.DeleteRoomRequest) -> Message:
        self._server.delete(request.room)
        return api.DeleteRoomResponse()

    def _update_room_metadata(self, request: api.UpdateRoomMetadataRequest) -> Message:
        return self._server.set_metadata(request.room, request.metadata).info()

    def _list_participants(self, request: api.ListParticipantsRequest) -> Message:
        room = self._server.rooms.get(request.room)
        there = room.participants.values() if room else ()
        return api.ListParticipantsResponse(participants=[one.info() for one in there])

    def _get_participant(self, request: api.RoomParticipantIdentity) -> Message:
        return self._server.participant(request.room, request.identity).info()

    def _remove_participant(self, request: api.RoomParticipantIdentity) -> Message:
        self._server.remove(request.room, request.identity)
        return api.RemoveParticipantResponse()

    def _move_participant(self, request: api.MoveParticipantRequest) -> Message:
        self._server.move(request.room, request.identity, request.destination_room)
        return api.MoveParticipantResponse()

    def _update_participant(self, request: api.UpdateParticipantRequest) -> Message:
        who = self._server.participant(request.room, request.identity)
        known = {"room", "identity", "attributes", "permission"}
        if {field.name for field, _ in request.ListFields()} - known:
            raise NotImplementedError(f"in memory, this can't be updated: {request}")
        if request.HasField("permission"):
            self._server.set_hearing(who, request.permission.can_subscribe)
        self._server.set_attributes(who, dict(request.attributes))
        return who.info()

    def _create_dispatch(self, request: api.CreateAgentDispatchRequest) -> Message:
        room = self._server.create(request.room)
        return self._server.dispatch(room, request.agent_name, request.metadata)

    def _list_dispatch(self, request: Any) -> Message:
        room = self._server.rooms.get(request.room)
        if room is None:
            raise Refused("unavailable", "no response from servers")  # nobody has the room
        wanted = [one for one in room.dispatches if request.dispatch_id in ("", one.id)]
        return api.ListAgentDispatchResponse(agent_dispatches=wanted)


@contextmanager
def answered_by(answers: Api) -> Iterator[None]:
    """Let every client of LiveKit's API be answered from memory until the end of the block."""

    async def request(
        self: TwirpClient,
        service: str,
        method: str,
        data: Message,
        headers: Mapping[str, str],
        response_class: type[Message],
        *,
        timeout: Any = None,
    ) -> Message:
        limit = timeout.total if timeout and timeout.total else DEFAULT_LIMIT
        answer = await answers.request(service, method, data, headers, limit)
        made = response_class()
        made.ParseFromString(answer.SerializeToString())
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TwirpClient, "request", request)
        yield
