"""Everything else passes through the exchange as if it weren't there."""

import asyncio
import gzip
import io
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from livekit import api, rtc
from yarl import URL

from host.local.exchange import Exchange
from host.local.livekit import LiveKitServer


class Upstream:
    """A server that shows what reaches it."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.pings: list[bytes] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if request.path == "/refuse":
            return web.Response(status=401, text="no entry")
        if request.path == "/gzip":
            packed = gzip.compress(b"hello " * 100)
            return web.Response(body=packed, headers={"Content-Encoding": "gzip"})
        if request.path == "/moved":
            raise web.HTTPFound("/elsewhere")
        if request.path != "/ws":
            return web.json_response({"got": len(await request.read())}, status=207)
        socket = web.WebSocketResponse(
            max_msg_size=0, protocols=["livekit"], autoping=False, autoclose=False
        )
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            if message.type is WSMsgType.PING:
                self.pings.append(message.data)
                await socket.pong(message.data)
            elif message.type is WSMsgType.TEXT and message.data == "die":
                assert request.transport
                request.transport.abort()
            elif message.type is WSMsgType.TEXT and message.data == "close":
                await socket.close(code=4321, message=b"enough")
            elif message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket


@pytest.fixture
async def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
async def exchange(upstream: Upstream) -> AsyncIterator[Exchange]:
    """An exchange in front of a server that isn't LiveKit."""
    application = web.Application(client_max_size=2**26)
    application.router.add_route("*", "/{path:.*}", upstream.serve)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    async with Exchange(url, "key", "secret" * 6, deaf=True) as exchange:
        yield exchange
    await runner.cleanup()


@pytest.fixture
async def client(exchange: Exchange) -> AsyncIterator[aiohttp.ClientSession]:
    base = exchange.url.replace("ws", "http")
    async with aiohttp.ClientSession(base, auto_decompress=False) as session:
        yield session


async def test_status_headers_and_body_come_back(client: aiohttp.ClientSession) -> None:
    async with client.post("/twirp/livekit.RoomService/ListRooms", data=b"x" * 5) as answer:
        assert answer.status == 207
        assert await answer.json() == {"got": 5}


async def test_a_large_body_passes(client: aiohttp.ClientSession) -> None:
    async with client.put("/big", data=io.BytesIO(b"x" * 5_000_000)) as answer:
        assert await answer.json() == {"got": 5_000_000}


async def test_compressed_bodies_are_left_as_they_are(client: aiohttp.ClientSession) -> None:
    async with client.get("/gzip") as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(await answer.read()) == b"hello " * 100


async def test_redirections_are_the_clients_business(client: aiohttp.ClientSession) -> None:
    async with client.get("/moved", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/elsewhere")


async def test_queries_and_headers_arrive_as_they_were_sent(
    client: aiohttp.ClientSession, upstream: Upstream, exchange: Exchange
) -> None:
    query = "?access_token=a.b%2Bc%3D%3D&join_request=a%2Fb+c"
    url = URL(exchange.url.replace("ws", "http") + "/rtc/v1" + query, encoded=True)
    async with client.get(url, headers={"Authorization": "Bearer x"}):
        pass
    (request,) = upstream.requests
    assert request.raw_path == "/rtc/v1" + query
    assert request.headers["Authorization"] == "Bearer x"


async def test_a_refused_websocket_shows_the_servers_own_status(
    client: aiohttp.ClientSession,
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await client.ws_connect("/refuse")
    assert caught.value.status == 401


async def test_messages_of_any_kind_and_size_pass(client: aiohttp.ClientSession) -> None:
    async with client.ws_connect("/ws", max_msg_size=0, protocols=["livekit"]) as socket:
        assert socket.protocol == "livekit"
        await socket.send_str("text")
        assert await socket.receive_str(timeout=5) == "text"
        await socket.send_bytes(b"x" * 6_000_000)
        assert len(await socket.receive_bytes(timeout=5)) == 6_000_000


async def test_a_heartbeat_tests_the_server_and_not_the_proxy(
    client: aiohttp.ClientSession, upstream: Upstream
) -> None:
    async with client.ws_connect("/ws", autoping=False) as socket:
        await socket.ping(b"still there?")
        message = await socket.receive(timeout=5)
    assert (message.type, bytes(message.data)) == (WSMsgType.PONG, b"still there?")
    assert upstream.pings == [b"still there?"]


async def test_a_close_keeps_its_code_and_reason(client: aiohttp.ClientSession) -> None:
    async with client.ws_connect("/ws", autoclose=False) as socket:
        await socket.send_str("close")
        message = await socket.receive(timeout=5)
    assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4321, "enough")


async def test_a_client_that_closes_closes_the_way_to_the_server(
    client: aiohttp.ClientSession, upstream: Upstream
) -> None:
    async with client.ws_connect("/ws") as socket:
        await socket.send_str("x")
        await socket.receive_str(timeout=5)
        await socket.close(code=4000)
    async with asyncio.timeout(5):
        while not upstream.sockets[0].closed:
            await asyncio.sleep(0.01)
    assert upstream.sockets[0].close_code == 4000


async def test_a_server_that_dies_takes_the_line_with_it(client: aiohttp.ClientSession) -> None:
    async with client.ws_connect("/ws") as socket:
        await socket.send_str("die")
        message = await socket.receive(timeout=5)
    assert message.type in (WSMsgType.CLOSED, WSMsgType.ERROR, WSMsgType.CLOSE)
    assert socket.close_code == 1006


async def test_a_server_that_is_down_is_unavailable() -> None:
    async with (
        Exchange("ws://127.0.0.1:9", "key", "secret" * 6, deaf=True) as exchange,
        aiohttp.ClientSession(exchange.url.replace("ws", "http")) as session,
    ):
        async with session.get("/") as answer:
            assert answer.status == 503
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect("/rtc/v1")


async def test_an_exchange_closes_at_once_with_lines_open(upstream: Upstream) -> None:
    runner = web.AppRunner(web.Application(), access_log=None, shutdown_timeout=1)
    runner.app.router.add_route("*", "/{path:.*}", upstream.serve)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as session:
        async with Exchange(url, "key", "secret" * 6, deaf=True) as exchange:
            socket = await session.ws_connect(f"{exchange.url}/ws")
            begun = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - begun < 3
        message = await socket.receive(timeout=5)
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING)
    await runner.cleanup()


async def test_a_room_is_joined_through_the_exchange(livekit: LiveKitServer) -> None:
    key, secret = livekit.api_key, livekit.api_secret
    token = api.AccessToken(key, secret).with_identity("someone")
    token.with_grants(api.VideoGrants(room_join=True, room="through"))
    room = rtc.Room()
    async with (
        Exchange(livekit.url, key, secret, deaf=True) as exchange,
        api.LiveKitAPI(exchange.url, key, secret) as lk,
    ):
        await room.connect(exchange.url, token.to_jwt())
        rooms = await lk.room.list_rooms(api.ListRoomsRequest(names=["through"]))
        assert [each.name for each in rooms.rooms] == ["through"]
        await room.disconnect()


async def test_a_bad_token_is_refused_as_by_the_server_itself(livekit: LiveKitServer) -> None:
    token = api.AccessToken("wrong", "x" * 32).with_identity("someone")
    token.with_grants(api.VideoGrants(room_join=True, room="through"))
    texts = []
    async with Exchange(livekit.url, livekit.api_key, livekit.api_secret, deaf=True) as exchange:
        for url in (livekit.url, exchange.url):
            with pytest.raises(rtc.ConnectError) as caught:
                await rtc.Room().connect(url, token.to_jwt())
            texts.append(caught.value.message)
    assert texts[0] == texts[1]
