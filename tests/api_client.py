"""The API over HTTP for tests: a real server on loopback, and LiveKit's HTTP API behind it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import re
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from coming_and_going import ComingAndGoing
from livekit import api

from host.runner.aftermath import emit_call_ended
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.server.api import details_validator
from host.server.api.server import answering_api
from host.server.events import EventStream
from host.settings import Settings, load_settings

TOKEN = "the-token-of-these-tests-and-of-nobody-else"
NUMBER = "+15552220001"
LIMIT = 30.0
"""Seconds that anything awaited here may take."""

Answer = tuple[int, Any, Mapping[str, str]]
"""Status, body, headers."""


class LiveKit(ComingAndGoing):
    """LiveKit as far as HTTP goes: it knows which rooms were asked for, and lets nobody in.

    A call that is placed asks for its room first of all. Who wants to join a room waits until
    `turning_away` is set.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rooms: list[str] = []
        """Rooms that were asked for, one for each call that is placed."""
        self.joining = set[str]()
        """The tokens with which somebody wanted to join a room: the SDK tries each repeatedly."""
        self.turning_away = asyncio.Event()

    def application(self) -> web.Application:
        """Answer the room service."""
        app = web.Application()
        app.router.add_post("/twirp/livekit.RoomService/ListRooms", self._list)
        app.router.add_post("/twirp/livekit.RoomService/{method}", self._done)
        app.router.add_route("*", "/{path:.*}", self._turn_away)
        return app

    async def _list(self, request: web.Request) -> web.Response:
        wanted = api.ListRoomsRequest.FromString(await request.read())
        self.rooms += wanted.names
        self._news.set()
        return _protobuf(api.ListRoomsResponse())

    async def _done(self, request: web.Request) -> web.Response:
        return _protobuf(api.DeleteRoomResponse())

    async def _turn_away(self, request: web.Request) -> web.Response:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            token = request.query.get("access_token") or request.headers["Authorization"]
            self.joining.add(token)
        self._news.set()
        await self.turning_away.wait()
        return web.Response(status=401, text="nobody is let in here")


def _protobuf(message: Any) -> web.Response:
    return web.Response(body=message.SerializeToString(), content_type="application/protobuf")


@dataclass
class Client:
    """A program that uses the API."""

    address: str
    http: aiohttp.ClientSession
    livekit: LiveKit
    closed: list[str] = field(default_factory=list)
    """Why the host takes no calls, where something is in it."""

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        """Send a request, with the token unless other headers are given."""
        more.setdefault("headers", {"Authorization": f"Bearer {TOKEN}"})
        async with self.http.request(method, self.address + path, **more) as answer:
            body = await (answer.json() if "json" in answer.content_type else answer.text())
            return answer.status, body, answer.headers

    async def place(self, **wanted: Any) -> Answer:
        """Ask for a call of ann's, unless it is to be another."""
        headers = {"Authorization": f"Bearer {TOKEN}", **wanted.pop("headers", {})}
        wanted = {"persona": "ann", "number": NUMBER, **wanted}
        return await self.ask("POST", "/calls", json=wanted, headers=headers)

    async def over(self, id: str) -> dict[str, Any]:
        """Ask for a call until it is over."""
        async with asyncio.timeout(LIMIT):
            while True:
                status, call, _ = await self.ask("GET", f"/calls/{id}")
                assert status == 200, call
                if call["status"] == "over":
                    return dict(call)
                await asyncio.sleep(0.05)  # a client of the API polls


async def raw(client: Client, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send bytes, with a pause after each part, and read until the host closes the connection."""
    loop = asyncio.get_running_loop()
    read = b""
    with connect(client) as connection, contextlib.suppress(ConnectionError):
        async with asyncio.timeout(LIMIT):
            with contextlib.suppress(ConnectionError):  # an answer may be there all the same
                for part in parts:
                    await loop.sock_sendall(connection, part)
                    await asyncio.sleep(pause)
            while more := await loop.sock_recv(connection, 65536):
                read += more
    return read


def connect(client: Client) -> socket.socket:
    """Open a connection to the API."""
    host, port = client.address.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    connection.setblocking(False)
    return connection


def head(length: int | None, *, token: str = TOKEN) -> bytes:
    """The head of a POST; without a length its body is chunked."""
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return (
        f"POST /calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\n{size}\r\n\r\n"
    ).encode()


def settings_for(livekit: LiveKit, **more: Any) -> Settings:
    """The settings of a host whose LiveKit is that one."""
    own = {
        "livekit_url": f"ws://127.0.0.1:{livekit.port}",
        "livekit_api_key": "key",
        "livekit_api_secret": "secret-of-these-tests-and-of-nobody-else",
        "api_port": 0,
        "api_token": TOKEN,
        "api_rate": 1000,
        "allow_numbers": ["+1555*"],
        "countries": ["US"],
        "calling_hours": "00:00-24:00",
        "max_attempts_a_day": 0,
    }
    return Settings(**{**load_settings().model_dump(exclude_unset=True), **own, **more})


def emit_in_this_process(
    monkeypatch: pytest.MonkeyPatch, module: str = "host.server.api.unplaced"
) -> None:
    """Let a module, by default that of calls that nobody takes, emit `call_ended` here.

    A process of its own imports LiveKit, for a second of a processor for each call.
    """

    async def emit(settings: Settings, checkpoint: Checkpoint, *, dev: bool) -> None:
        await emit_call_ended(settings, checkpoint)
        CheckpointStore(settings.state_dir).close(checkpoint.state.id)

    monkeypatch.setattr(f"{module}.emit_call_ended", emit)


@contextlib.asynccontextmanager
async def an_api(
    caplog: pytest.LogCaptureFixture,
    livekit: LiveKit,
    stream: EventStream | None = None,
    **settings: Any,
) -> AsyncIterator[Client]:
    """Have the API of a deployment up."""
    caplog.set_level(logging.DEBUG, logger="host")
    closed: list[str] = []
    before = len(caplog.text)
    # Forks of it check details: each would import the host again, for half a second.
    multiprocessing.set_forkserver_preload([details_validator.__name__])
    async with (
        answering_api(
            settings_for(livekit, **settings),
            lambda: closed[0] if closed else None,
            stream=stream,
        ),
        aiohttp.ClientSession() as http,
    ):
        found = re.search(r"the API at (http://[\d.:]+)", caplog.text[before:])
        assert found
        yield Client(found[1], http, livekit, closed)


@contextlib.asynccontextmanager
async def a_livekit() -> AsyncIterator[LiveKit]:
    """Have LiveKit's HTTP API up."""
    livekit = LiveKit()
    await livekit.up()
    try:
        yield livekit
    finally:
        livekit.turning_away.set()
        await livekit.close()
