"""A way for another process on this machine to use a telephone of the exchange.

`GET /_exchange/ring?caller=...&called=...` is a websocket. It tells what happens, one JSON object
a message: `{"event": "ringing" | "answered" | "heard" | "key" | "ended", "at": seconds, ...}`, and
takes `{"do": "say", "text": ...}`, `{"do": "press", "keys": ...}` and `{"do": "hang_up"}`.
`GET /_exchange/ledger` gives the ledger as a JSON list.
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
    """The control surface of one exchange; for clients on this machine that are no web page."""

    def __init__(self, ring: Ring, ledger: Ledger) -> None:
        self._ring, self._ledger = ring, ledger

    def routes(self) -> list[web.RouteDef]:
        """Give the routes, which must come before the one that passes everything on."""
        return [
            web.get(f"{PREFIX}/ring", self.ring),
            web.get(f"{PREFIX}/ledger", self.ledger),
        ]

    async def ledger(self, request: web.Request) -> web.Response:
        """Give the ledger."""
        _refuse_strangers(request)
        return web.json_response([dataclasses.asdict(entry) for entry in self._ledger])

    async def ring(self, request: web.Request) -> web.WebSocketResponse:
        """Ring the host, and let the client be the person; a client that goes away hangs up."""
        _refuse_strangers(request)
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
        telling = asyncio.create_task(_tell(call, socket))
        obeying = asyncio.create_task(_obey(call, line, socket))
        try:
            await asyncio.wait([telling, obeying], return_when=asyncio.FIRST_COMPLETED)
            if not telling.done():
                with contextlib.suppress(TimeoutError):
                    await call.hang_up()
                await asyncio.wait([telling], timeout=1)  # how it ended
        finally:
            telling.cancel()
            obeying.cancel()
            await asyncio.gather(telling, obeying, return_exceptions=True)
        await socket.close()
        return socket


async def _tell(call: PhoneCall, socket: web.WebSocketResponse) -> None:
    """Tell all that happens on a call, until it is over."""
    events = _Events(call)
    while True:
        # One look before, so that nothing that comes meanwhile is missed.
        over = call.done
        for event in events.new():
            await socket.send_str(json.dumps(event))
        if over:
            return
        await call.pulse.until(lambda: call.done or events.any(), None, "an event")


class _Events:
    """What has happened on a call and hasn't been told yet."""

    def __init__(self, call: PhoneCall) -> None:
        self._call = call
        self._heard = self._keys = 0
        self._told: list[str] = []

    def any(self) -> bool:
        """Tell whether there is anything new."""
        call = self._call
        return (
            len(call.heard) > self._heard
            or len(call.keys) > self._keys
            or any(name not in self._told for name in self._states())
        )

    def new(self) -> Iterator[dict[str, Any]]:
        """Give what is new, oldest first."""
        call = self._call
        for name in self._states():
            if name not in self._told and name != "ended":
                self._told.append(name)
                yield {"event": name, "at": 0.0, "room": call.room}
        for heard in call.heard[self._heard :]:
            self._heard += 1
            yield {"event": "heard", "at": heard.start, "text": heard.text}
        for key in call.keys[self._keys :]:
            self._keys += 1
            yield {"event": "key", "at": key.at, "digit": key.digit}
        if call.done and "ended" not in self._told:
            self._told.append("ended")
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
        states = ["ringing"] if call.room and call.status != "calling" else []
        states += ["answered"] if call.answered_at else []
        return [*states, "ended"] if call.done else states


async def _obey(call: PhoneCall, line: asyncio.Future[Line], socket: web.WebSocketResponse) -> None:
    """Do what the client says, until it goes away or hangs up."""
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            return
        try:
            order = dict(json.loads(message.data))
        except (TypeError, ValueError):
            continue
        if order.get("do") == "hang_up":
            return
        if not call.answered_at:  # nobody is there yet to hear anything
            continue
        given = await asyncio.shield(line)
        with contextlib.suppress(HungUp, ValueError):
            if order.get("do") == "say":
                await given.begin(str(order.get("text", "")))
            elif order.get("do") == "press":
                await given.press(str(order.get("keys", "")))


def _refuse_strangers(request: web.Request) -> None:
    """Refuse other machines, and web pages: a browser on this machine would let any page dial."""
    if request.remote not in ("127.0.0.1", "::1") or "Origin" in request.headers:
        raise web.HTTPForbidden(text="for programs on this machine only")
