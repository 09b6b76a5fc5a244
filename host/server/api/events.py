"""The route of events: what happens in the host's calls, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRouter
from fastapi.security import HTTPBearer
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Receive, Scope, Send

from host.server.api.errors import LATER
from host.server.api.responses import ANY
from host.server.api.strict import StrictRoute
from host.server.events import IDLE, Event, EventStream
from host.server.events.inbox import EventType

FOLLOWERS = 20
"""Maximum number of clients that follow events: each keeps one of the API's connections."""
HEARTBEAT = 15.0
"""Seconds without an event after which a comment keeps the connection open."""
RETRY = 2000
"""Milliseconds after which a client should connect again when the stream has ended."""


class EventsWanted(BaseModel):
    """The parameters of `GET /events`."""

    model_config = ConfigDict(extra="forbid")

    call: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="only events of the call with this LiveKit job ID",
    )


class CallEvent(BaseModel):
    """The data of a server-sent event, as JSON in one line."""

    type: EventType = Field(description="type of the event, which is also its `event` field")
    timestamp: datetime = Field(description="time of the event, UTC")
    data: dict[str, Any] = Field(
        description="what happened: `id` is LiveKit's job ID of the call, as in its record"
    )


class EventResponse(StreamingResponse):
    """Sends events as they happen, until the client or the host ends it.

    FastAPI's own (0.165) logs a traceback for each client that leaves while an event waits for it.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[Event, None]) -> None:
        self._events = events
        super().__init__(self._written())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        async with aclosing(self._events):
            await super().__call__(scope, receive, send)

    async def _written(self) -> AsyncIterator[bytes]:
        yield format_sse_event(comment="events of calls", retry=RETRY)
        async for event in self._events:
            if event is IDLE:
                yield KEEPALIVE_COMMENT
            else:
                yield format_sse_event(data_str=event.text, event=event.type, id=event.id)


async def stream_of(request: Request) -> EventStream:
    """Return the app's events."""
    stream: EventStream = request.app.state.stream
    return stream


Stream = Annotated[EventStream, Depends(stream_of)]


async def room_for_one_more(stream: Stream) -> None:
    """Reject a client while FOLLOWERS others follow."""
    if stream.followers >= FOLLOWERS:
        raise HTTPException(503, "too many clients follow events", {"Retry-After": LATER})


router = APIRouter(route_class=StrictRoute, dependencies=[Depends(HTTPBearer(auto_error=False))])
_DATA = {
    "type": "string",
    "contentMediaType": "application/json",
    "contentSchema": CallEvent.model_json_schema(),
}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "server-sent events, as they happen",
        "content": {
            "text/event-stream": {
                "itemSchema": {
                    "type": "object",
                    "properties": {name: {"type": "string"} for name in ("event", "id")}
                    | {"data": _DATA},
                }
            }
        },
    }
}


@router.get(
    "/events",
    response_class=Response,
    responses=ANY | _STREAM,
    dependencies=[Depends(room_for_one_more)],
)
async def follow_events(
    wanted: Annotated[EventsWanted, Query()],
    stream: Stream,
    last_event_id: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            max_length=100,
            description="ID of the last event that the client has: those after it come first",
        ),
    ] = None,
) -> Response:
    """Follow what happens in the calls of this host, as server-sent events."""
    return EventResponse(stream.follow(last_event_id, wanted.call, idle=HEARTBEAT))
