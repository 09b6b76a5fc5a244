"""Control of the exchange for other processes on this machine.

`GET /_exchange/ring?caller=...&called=...` is a websocket. It sends events, one JSON object a
message: `{"event": "ringing" | "answered" | "heard" | "key" | "ended", "at": seconds, ...}`, and
accepts `{"do": "say", "text": ...}`, `{"do": "press", "keys": ...}` and `{"do": "hang_up"}`.
`GET /_exchange/ledger` returns the ledger as a JSON list.
"""

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from aiohttp import WSMsgType, web

from host.local.exchange.call import PhoneCall
from host.local.exchange.facts import HungUp
from host.local.exchange.ledger import Ledger
from host.local.exchange.line import Line, PersonScript

PREFIX = "/_exchange"

Ring = Callable[[str, str, PersonScript], Awaitable[PhoneCall]]


class Control:
    """The control API of one exchange, for local clients that are not web pages."""

    def __init__(self, ring: Ring, ledger: Ledger) -> None:
        self._ring, self._ledger = ring, ledger

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, which must precede the proxy's catch-all."""
        return [
            web.get(f"{PREFIX}/ring", self.ring),
            web.get(f"{PREFIX}/ledger", self.ledger),
        ]

    async def ledger(self, request: web.Request) -> web.Response:
        """Return the ledger."""
        _refuse_remote(request)
        return web.json_response([dataclasses.asdict(entry) for entry in self._ledger])

    async def ring(self, request: web.Request) -> web.WebSocketResponse:
        """Place an inbound call with the client as the caller; a client that leaves hangs up."""
        _refuse_remote(request)
        caller, called = request.query.get("caller"), request.query.get("called")
        if not caller or not called:
            raise web.HTTPBadRequest(text="caller and called are needed")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        line: asyncio.Future[Line] = asyncio.get_running_loop().create_future()

        async def person(given: Line) -> None:
            line.set_result(given)
            await given.stay()

        call = await self._ring(caller, called, person)
        sending = asyncio.create_task(_send_events(call, socket))
        obeying = asyncio.create_task(_obey(call, line, socket))
        try:
            await asyncio.wait([sending, obeying], return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                with contextlib.suppress(TimeoutError):
                    await call.hang_up()
                await asyncio.wait([sending], timeout=1)  # sends the end
        finally:
            sending.cancel()
            obeying.cancel()
            await asyncio.gather(sending, obeying, return_exceptions=True)
        await socket.close()
        return socket


async def _send_events(call: PhoneCall, socket: web.WebSocketResponse) -> None:
    """Send a call's events until it is over."""
    events = _Events(call)
    while True:
        # Read before the events, so that none is missed.
        over = call.done
        for event in events.new():
            await socket.send_str(json.dumps(event))
        if over:
            return
        await call.pulse.until(lambda: call.done or events.any(), None, "an event")


class _Events:
    """Events of a call that have not been sent yet."""

    def __init__(self, call: PhoneCall) -> None:
        self._call = call
        self._heard = self._keys = 0
        self._sent: list[str] = []

    def any(self) -> bool:
        """Return whether there are new events."""
        call = self._call
        return (
            len(call.heard) > self._heard
            or len(call.keys) > self._keys
            or any(name not in self._sent for name in self._states())
        )

    def new(self) -> Iterator[dict[str, Any]]:
        """Yield new events, oldest first."""
        call = self._call
        for name in self._states():
            if name not in self._sent and name != "ended":
                self._sent.append(name)
                yield {"event": name, "at": 0.0, "room": call.room}
        for heard in call.heard[self._heard :]:
            self._heard += 1
            yield {"event": "heard", "at": heard.start, "text": heard.text}
        for key in call.keys[self._keys :]:
            self._keys += 1
            yield {"event": "key", "at": key.at, "digit": key.digit}
        if call.done and "ended" not in self._sent:
            self._sent.append("ended")
            yield {
                "event": "ended",
                "at": (call.ended_at or 0) - call.answered_at if call.answered_at else 0.0,
                "status": call.status,
                "sip_status": call.sip_status,
                "by": call.ended_by,
                "reason": call.ending.how if call.ending else "",
            }

    def _states(self) -> list[str]:
        call = self._call
        states = ["ringing"] if call.rang else []
        states += ["answered"] if call.answered_at else []
        return [*states, "ended"] if call.done else states


async def _obey(call: PhoneCall, line: asyncio.Future[Line], socket: web.WebSocketResponse) -> None:
    """Execute the client's commands until it leaves or hangs up."""
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            return
        try:
            order = dict(json.loads(message.data))
        except (TypeError, ValueError):
            continue
        if order.get("do") == "hang_up":
            return
        if not call.answered_at:  # nothing can be said yet
            continue
        given = await asyncio.shield(line)
        with contextlib.suppress(HungUp, ValueError):
            if order.get("do") == "say":
                await given.begin(str(order.get("text", "")))
            elif order.get("do") == "press":
                await given.press(str(order.get("keys", "")))


def _refuse_remote(request: web.Request) -> None:
    """Reject other machines and web pages: any page in a local browser could dial."""
    if request.remote not in ("127.0.0.1", "::1") or "Origin" in request.headers:
        raise web.HTTPForbidden(text="for programs on this machine only")
