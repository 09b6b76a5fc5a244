"""Tells pages of live calls when to look again, as server-sent events.

An event has no content: a page asks for its part as before, with the same masks. So what a page
shows never depends on which events have reached it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from host.server.console.context import Console, console_of
from host.server.events.changes import Watcher

STREAMS = 20
"""Pages that may be told of changes at the same time: each keeps one of the connections."""
STREAMS_OF_ONE = 4
"""Those of one session: a browser has six connections to one server, also for other pages."""
BEAT = 15.0
"""Seconds after which a page looks again also without a change: a call's process may lose some."""
LIST_EVERY, CALL_EVERY = 1.0, 0.25
"""Seconds between two events at least, for the list and for one call."""
RETRY = 2000
"""Milliseconds after which a browser connects again when the stream has ended."""
CHANGED = b"data: changed\n\n"


async def follow_all(request: Request) -> Response:
    """Tell of changes in any live call."""
    return _following(request, None, LIST_EVERY)


async def follow_one(request: Request) -> Response:
    """Tell of changes in one live call."""
    return _following(request, request.path_params["id"], CALL_EVERY)


def _following(request: Request, call: str | None, every: float) -> Response:
    console, session = console_of(request), request.state.session
    changes = console.changes
    if request.method == "HEAD":
        return Response(media_type=_Following.media_type)
    if changes.count() >= STREAMS or changes.count(session.id) >= STREAMS_OF_ONE:
        text = "too many pages of live calls are open: close one"
        return PlainTextResponse(text, 503, {"retry-after": "10"})
    return _Following(request, console, call, every)


class _Following(StreamingResponse):
    """Sends an event for each change, until the client, its session or the host ends it."""

    media_type = "text/event-stream"

    def __init__(self, request: Request, console: Console, call: str | None, every: float) -> None:
        self._console, self._session = console, request.state.session
        self._call, self._every = call, every
        super().__init__(())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        with self._console.changes.watched(self._call, self._session.id) as watcher:
            self.body_iterator = self._told(watcher)
            await super().__call__(scope, receive, send)

    async def _told(self, watcher: Watcher) -> AsyncIterator[bytes]:
        yield b"retry: %d\n\n" % RETRY
        while not watcher.closed and self._console.sessions.goes_on(self._session):
            yield CHANGED
            await watcher.changed(self._every, BEAT)
