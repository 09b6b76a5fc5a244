"""HTTP protocol of the API and the console: uvicorn's, with limits for unknown clients."""

from __future__ import annotations

import asyncio

import h11
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS = 100
"""Maximum number of connections; the next one is closed at once."""
LONGEST_HEAD = 16 * 1024
"""Maximum size of a request's head, in bytes."""
LONGEST_REQUEST = 48 * 1024
"""Maximum size of a request, head and body, in bytes on the wire, unless the server takes more."""
PIECE = 256
"""Bytes parsed at a time until the head is complete, so that little of the body is buffered."""
HEAD_TIME = 10.0
"""Seconds that a client may take to send the head, or to read the response."""


class Protocol(H11Protocol):
    """One connection. It is parsed in the host's event loop, so no more is parsed than needed.

    A body is parsed as the app reads it, within the guard's time limit. A rejected client gets its
    response before its body is read, and is disconnected.
    """

    longest_request = LONGEST_REQUEST

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._received, self._rest = 0, b""
        self.app = self._answer
        self._head, self._unread = (_Deadline(self.loop, transport) for _ in range(2))
        if len(self.connections) > CONNECTIONS:
            transport.abort()
            return
        transport.set_write_buffer_limits(0)  # reports a client that does not read at once
        self._head.set()

    def data_received(self, data: bytes) -> None:
        while data and not self.transport.is_closing():
            in_head = self.conn.their_state is h11.IDLE
            room = (LONGEST_HEAD if in_head else self.longest_request) + 1 - self._received
            if room <= 0:
                self.cycle.keep_alive = False  # close after this response
                self.transport.pause_reading()
                break
            piece = data[: min(room, PIECE) if in_head else room]
            self._received += len(piece)
            super().data_received(piece)
            data = data[len(piece) :]
            if in_head and self.conn.their_state is h11.SEND_BODY:
                self.flow.pause_reading()  # until the app reads
                self._rest = data
                break
        if self.conn.their_state is h11.IDLE:
            self._head.set()
        else:
            self._head.clear()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app; the body is parsed when it reads."""

        async def receive_on() -> Message:
            rest, self._rest = self._rest, b""
            if rest:
                self.data_received(rest)
            return await receive()

        await self.config.loaded_app(scope, receive_on, send)

    def on_response_complete(self) -> None:
        self._received = 0
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.set()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unread.clear()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._head.clear()
        self._unread.clear()

    def send_400_response(self, msg: str) -> None:
        """Respond to invalid HTTP if no response has started, and disconnect."""
        if self.cycle:
            self.cycle.disconnected = True
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.abort()


class _Deadline:
    """Aborts a connection HEAD_TIME after `set`, unless cleared."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self._loop, self._transport = loop, transport
        self._timer: asyncio.TimerHandle | None = None

    def set(self) -> None:
        self._timer = self._timer or self._loop.call_later(HEAD_TIME, self._transport.abort)

    def clear(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
