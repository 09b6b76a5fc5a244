"""What stands before the HTTP API: tokens, rates, sizes, slow clients, and what is written down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import stat
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_client import (
    LIMIT,
    NUMBER,
    TOKEN,
    Client,
    LiveKit,
    a_livekit,
    an_api,
    connect,
    emit_in_this_process,
    head,
    raw,
    settings_for,
)
from deployment import Deployment
from uvicorn.protocols.http.h11_impl import H11Protocol
from waiting import logged_by_the_host, until_logged

from host.base.errors import SettingsError
from host.server.api.server import answering_api
from host.server.api.token import require_tokens
from host.server.events import EventStream
from host.server.http.protocol import LONGEST_REQUEST, PIECE, Protocol
from host.server.http.serving import CLOSING_LIMIT

pytestmark = pytest.mark.processes

PATHS = [
    ("POST", "/calls"),
    ("GET", "/calls"),
    ("GET", "/calls?live=true&limit=5"),
    ("GET", "/calls/x"),
    ("GET", "/events"),
    ("GET", "/events?call=AJ_1"),
    ("DELETE", "/calls/x"),
    ("DELETE", "/calls/AJ_x?goodbye=bye"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/nothing"),
    ("DELETE", "/calls"),
]


@pytest.fixture
async def livekit() -> AsyncIterator[LiveKit]:
    """LiveKit as far as HTTP goes; it turns everybody away."""
    async with a_livekit() as livekit:
        livekit.turning_away.set()
        yield livekit


@pytest.fixture(autouse=True)
def emitted_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that emits `call_ended` in its own process."""
    emit_in_this_process(monkeypatch)


@pytest.fixture
async def client(
    deployment: Deployment, livekit: LiveKit, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Client]:
    """A program that uses the API of a host with one persona."""
    deployment.persona("ann")
    async with an_api(caplog, livekit) as client:
        yield client


TOO_LONG = b'{"detail":"the request is longer than 32768 bytes"}'


# The token


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN} {TOKEN}",
        f"Bearer {TOKEN.upper()}",
        f"Bearer, {TOKEN}",
        "Bearer " + "é" * 40,
    ],
)
async def test_without_the_token_nothing_is_told_and_nothing_happens(
    client: Client, given: str | None
) -> None:
    headers = {} if given is None else {"Authorization": given}
    wanted = {"persona": "ann", "number": NUMBER}
    for method, path in PATHS:
        status, told, answered = await client.ask(method, path, json=wanted, headers=headers)
        asked = f"{method} {path}"
        assert (status, told) == (401, {"detail": "the token is missing or wrong"}), asked
        assert answered["WWW-Authenticate"] == "Bearer", asked
    assert client.livekit.rooms == []


async def test_two_tokens_are_none(client: Client) -> None:
    token = f"Authorization: Bearer {TOKEN}\r\n"
    for given, status in [(token, b"404"), (token * 2, b"401")]:
        asked = f"GET /calls/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{given}\r\n"
        assert (await raw(client, asked.encode())).startswith(b"HTTP/1.1 " + status)


async def test_with_the_token_what_is_not_there_is_not_found(client: Client) -> None:
    unknown = [("GET", "/docs"), ("GET", "/redoc"), ("GET", "/"), ("POST", "/calls/")]
    for method, path in [*unknown, ("DELETE", "/calls/x"), ("GET", "/calls/AJ_x")]:
        assert (await client.ask(method, path))[0] == 404
    for method, path in [("PUT", "/calls"), ("POST", "/calls/x"), ("OPTIONS", "/calls")]:
        status, _, headers = await client.ask(method, path)
        assert status == 405
        assert headers["Allow"]
        assert not any(name.lower().startswith("access-control") for name in headers)


@pytest.mark.parametrize(
    "token", ["", "short", "x" * 31, "é" * 32, "x" * 20 + " " + "x" * 20, "x" * 40 + "\n"]
)
async def test_an_api_without_a_good_token_is_one_clear_line(livekit: LiveKit, token: str) -> None:
    settings = settings_for(livekit, api_token=token)
    with pytest.raises(SettingsError, match="HOST_API_TOKEN is no token of at least 32") as raised:
        require_tokens(settings)
    assert "\n" not in str(raised.value)
    assert not token or token not in str(raised.value)
    require_tokens(settings_for(livekit, api_token=token, api_port=None))


# How much, how fast


async def test_more_requests_than_the_rate_are_told_when_to_come_again(
    deployment: Deployment, livekit: LiveKit, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.persona("ann")
    async with an_api(caplog, livekit, api_rate=3) as client:
        answers = [await client.place() for _ in range(5)]
        assert [status for status, _, _ in answers] == [202, 202, 202, 429, 429]
        assert 1 <= int(answers[-1][2]["Retry-After"]) <= 60
        assert (await client.ask("GET", "/calls/x"))[0] == 404
        strangers = [(await client.ask("GET", "/calls/x", headers={}))[0] for _ in range(31)]
        assert strangers == [401] * 30 + [429]
        assert (await client.ask("GET", "/calls/x"))[0] == 404
        await livekit.until(lambda: len(livekit.rooms) == 3)


@pytest.mark.parametrize("length", [32 * 1024 + 1, 10**9])
async def test_a_body_that_says_it_is_too_long_is_refused(client: Client, length: int) -> None:
    answer = await raw(client, head(length), b"{" + b" " * 1000)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert TOO_LONG in answer


async def test_a_chunked_body_that_gets_too_long_is_refused(client: Client) -> None:
    chunk = b"%x\r\n%s\r\n" % (8000, b" " * 8000)
    for parts in ([chunk] * 6, [chunk * 100]):
        answer = await raw(client, head(None), *parts)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert TOO_LONG in answer


async def test_a_body_has_one_length(client: Client) -> None:
    both = head(2).replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    answer = await raw(client, both + b"2\r\n{}\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"both a Content-Length and a Transfer-Encoding" in answer
    assert b"connection: close" in answer


async def test_who_is_answered_before_the_end_is_parsed_no_further(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.server.api.guard.BODY_TIME", 0.5)
    parsed: Counter[H11Protocol] = Counter()
    parse = H11Protocol.data_received

    def parse_and_count(connection: H11Protocol, data: bytes) -> None:
        parsed[connection] += len(data)
        parse(connection, data)

    monkeypatch.setattr(H11Protocol, "data_received", parse_and_count)
    chunks = b"1\r\nx\r\n" * 200_000
    for token, most, clients in [(TOKEN, LONGEST_REQUEST + 1, 3), ("a-stranger", PIECE, 50)]:
        parsed.clear()
        sent = [head(None, token=token), chunks]
        await asyncio.gather(*(raw(client, *sent) for _ in range(clients)))
        assert len(parsed) == clients
        assert max(parsed.values()) <= most, token
    answer = await raw(client, head(10**9, token="a-stranger"))  # and not one byte of it
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in answer


async def test_a_body_of_32_kib_is_read(client: Client) -> None:
    body = f'{{"persona": "ann", "number": "{NUMBER}"}}'.encode()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    padded = body.ljust(32 * 1024)
    assert (await client.ask("POST", "/calls", data=padded, headers=headers))[0] == 202


async def test_a_body_may_come_in_parts_and_after_it_was_asked_for(client: Client) -> None:
    body = f'{{"persona": "ann", "number": "{NUMBER}"}}'.encode().ljust(30_000)
    asking = b"\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    sent = head(len(body)).replace(b"\r\n\r\n", asking)
    parts = [body[at : at + 7000] for at in range(0, len(body), 7000)]
    answer = await raw(client, sent, *parts, pause=0.05)
    assert answer.startswith(b"HTTP/1.1 100 ")
    assert b"HTTP/1.1 202 " in answer


async def test_requests_may_follow_each_other_without_waiting(client: Client) -> None:
    body = f'{{"persona": "ann", "number": "{NUMBER}"}}'.encode()
    last = head(len(body)).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    answer = await raw(client, (head(len(body)) + body) * 3 + last + body)
    assert answer.count(b"HTTP/1.1 202 ") == 4


async def test_a_head_that_is_too_long_is_refused(client: Client) -> None:
    sent = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000
    for end in (b"", b"\r\n\r\n", b"x" * 100_000 + b"\r\n\r\n"):
        assert (await raw(client, sent + end)).startswith(b"HTTP/1.1 400 ")


async def test_a_head_that_never_ends_is_cut_off_however_slowly_it_comes(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.server.http.protocol.HEAD_TIME", 0.5)
    for sent in ([], [b"GET / HTTP/1.1\r\n", b"X: y\r\n", b"Y: z\r\n", b"Z: x\r\n"]):
        with contextlib.suppress(ConnectionError):
            assert await raw(client, *sent, pause=0.1) == b""  # within LIMIT
    assert (await client.ask("GET", "/calls/x"))[0] == 404


async def test_a_body_that_never_ends_is_told_so(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.server.api.guard.BODY_TIME", 0.5)
    answer = await raw(client, head(100), b"{", b'"', b"p", pause=0.1)
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_goes_on_after_its_answer_is_cut_off(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.server.http.protocol.HEAD_TIME", 0.5)
    reader, writer = await asyncio.open_connection(sock=connect(client))
    writer.write(head(10**9, token="x" * 40))
    assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(_write_on(writer), LIMIT)
    writer.close()


async def _write_on(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.1)


async def test_slow_clients_do_not_stop_the_others(client: Client) -> None:
    slow = [asyncio.create_task(raw(client, head(100), b"{", pause=0.1)) for _ in range(50)]
    try:
        assert (await client.place())[0] == 202
    finally:
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


async def test_more_connections_than_there_may_be_are_closed_before_they_say_anything(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.server.http.protocol.CONNECTIONS", 5)
    left: asyncio.Queue[Protocol] = asyncio.Queue()
    leave = Protocol.connection_lost

    def leave_and_tell(connection: Protocol, error: Exception | None) -> None:
        leave(connection, error)
        left.put_nowait(connection)

    monkeypatch.setattr(Protocol, "connection_lost", leave_and_tell)
    idle = [connect(client) for _ in range(5)]
    assert await raw(client) == b""
    for connection in idle:
        connection.close()
    for _ in range(6):
        await asyncio.wait_for(left.get(), LIMIT)
    assert (await raw(client, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 400")


async def test_a_client_that_takes_no_answers_is_cut_off(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.server.http.protocol.HEAD_TIME", 0.5)
    ask = f"GET /openapi.json HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    asking = asyncio.get_running_loop().sock_sendall
    with connect(client) as connection, contextlib.suppress(ConnectionError):
        async with asyncio.timeout(LIMIT):
            while True:  # and nothing is read
                await asking(connection, ask.encode() * 100)


async def test_a_client_that_follows_events_and_reads_none_is_cut_off(
    livekit: LiveKit,
    deployment: Deployment,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("host.server.http.protocol.HEAD_TIME", 0.5)
    deployment.persona("ann")
    stream = EventStream()
    ask = f"GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    async with an_api(caplog, livekit, stream) as client:
        with connect(client) as connection:
            await asyncio.get_running_loop().sock_sendall(connection, ask.encode())
            async with asyncio.timeout(LIMIT):
                while not stream.followers:
                    await asyncio.sleep(0.01)  # nothing tells of a follower
                while stream.followers:  # and nothing is read
                    stream.publish("call.transcript", "AJ_1", "x" * 50_000)
                    await asyncio.sleep(0.001)
        assert (await client.ask("GET", "/calls/x"))[0] == 404


async def test_a_client_that_follows_events_does_not_hold_up_the_end_of_the_host(
    livekit: LiveKit, deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.persona("ann")
    stream = EventStream()
    async with contextlib.AsyncExitStack() as follows:
        async with an_api(caplog, livekit, stream) as client:
            response = await follows.enter_async_context(
                client.http.get(
                    f"{client.address}/events", headers={"Authorization": f"Bearer {TOKEN}"}
                )
            )
            assert await response.content.readline() == b": events of calls\n"
            stream.publish("call.status", "AJ_1", '{"type": "call.status"}')
            began = time.monotonic()
            stream.close()
            assert (await response.read()).count(b"data: ") == 1
        assert time.monotonic() - began < CLOSING_LIMIT
    assert "timeout graceful shutdown" not in caplog.text


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"hello", 400),
        # A version that there is not is taken for 1.1, and the token is missing.
        (b"GET / HTTP/9.9", 401),
        (b"PRI * HTTP/2.0", 401),
    ],
)
async def test_what_is_no_http_is_refused(client: Client, request_line: bytes, status: int) -> None:
    answer = await raw(client, request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


# What is written down


async def test_the_log_has_no_token_no_number_no_details_and_no_query(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "another-token-that-somebody-may-use-elsewhere"
    await client.place(details={"patient": "Ann Secret"}, idempotency_key="order-of-Ann")
    await client.place(number="+15552220001 please", details={"patient": "Ann Secret"})
    await client.place(persona="Ann Secret")
    await client.ask("GET", f"/calls/x?token={TOKEN}&patient=Ann+Secret")
    await client.ask("GET", "/calls/x", headers={"Authorization": f"Bearer {wrong}"})
    await client.ask("GET", "/calls/%0d%0aWARNING%20forged")
    lines = [line.getMessage() for line in logged_by_the_host(caplog)]
    assert any(re.match(r"API: POST /calls: 202 in \d+ ms", line) for line in lines)
    assert r"API: GET /calls/\r\nWARNING forged: 404" in "\n".join(lines)
    for private in (TOKEN, wrong, NUMBER, "Secret", "order-of-Ann", "patient="):
        assert private not in caplog.text


async def test_requests_without_the_token_write_one_line_a_minute_and_no_traceback(
    client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.server.api.guard.LOG_INTERVAL", 0.5)
    upgrade = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    stranger = head(None, token="x" * 40)
    await raw(client, upgrade)
    await raw(client, b"no HTTP\r\n\r\n")
    await raw(client, stranger + b"no chunk\r\n\r\n")
    await raw(client, stranger, b"no chunk\r\n\r\n", pause=0.1)
    for _ in range(5):
        await client.ask("GET", "/calls/x", headers={})
    await until_logged(caplog, "more requests", limit=LIMIT)
    await client.ask("GET", "/calls/x", headers={})
    told = [
        line.getMessage() for line in logged_by_the_host(caplog) if line.levelno >= logging.INFO
    ]
    assert [re.sub(r"[\d.]+ m?s", "... s", line) for line in told] == [
        "API: GET /: 401 in ... s",
        "API: 7 more requests without the token in ... s",
        "API: GET /calls/x: 401 in ... s",
    ]


async def test_what_is_kept_is_its_owners_only_and_has_no_number_and_no_details(
    client: Client, deployment: Deployment
) -> None:
    await client.place(details={"patient": "Ann Secret"})
    folder = deployment.folder / ".host"
    files = list(folder.glob("state.db*"))
    assert files
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert NUMBER.encode() not in file.read_bytes()
        assert b"Secret" not in file.read_bytes()


async def test_a_file_that_is_broken_is_told_to_the_log_and_not_to_the_client(
    client: Client, deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    await client.place()
    file = deployment.folder / ".host" / "state.db"
    for left in file.parent.glob("state.db*"):
        left.write_bytes(b"this is no database. " * 500)
    for answer in (await client.place(), await client.ask("GET", "/calls/x")):
        assert answer[0] == 503
        assert answer[1] == {"detail": "the host can't read or write its calls"}
        assert int(answer[2]["Retry-After"]) > 0
    assert "file is not a database" in caplog.text


async def test_a_folder_that_is_none_any_more_is_told_to_the_log_and_not_to_the_client(
    client: Client, deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    folder = deployment.folder / ".host"
    folder.rename(deployment.folder / "gone")
    folder.write_text("a file, and no folder")
    for answer in (await client.place(), await client.ask("GET", "/calls/x")):
        assert answer[0] == 503
        assert answer[1] == {"detail": "the host can't read or write its calls"}
        assert int(answer[2]["Retry-After"]) > 0
    assert ".host" in caplog.text


# Opening and closing


async def test_a_port_that_another_program_has_is_one_clear_line(
    deployment: Deployment, livekit: LiveKit
) -> None:
    deployment.persona("ann")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError) as raised:
            async with answering_api(settings_for(livekit, api_port=port), lambda: None):
                pass
    assert str(raised.value) == (
        f"HOST_API_PORT: port {port} of 127.0.0.1 is not free: another program uses it; set another"
    )


async def test_a_state_dir_that_can_not_be_written_is_one_clear_line(
    deployment: Deployment, livekit: LiveKit
) -> None:
    deployment.persona("ann")
    Path(".host").write_text("a file, and no folder")
    with pytest.raises(SettingsError, match="HOST_STATE_DIR"):
        async with answering_api(settings_for(livekit), lambda: None):
            pass


async def test_an_address_that_others_reach_is_warned_of(
    deployment: Deployment, livekit: LiveKit, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.persona("ann")
    async with answering_api(settings_for(livekit, api_host="0.0.0.0"), lambda: None):
        pass
    assert "the API serves plain HTTP" in caplog.text


async def test_a_host_that_stops_is_not_held_up_by_a_client_or_a_call(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.persona("ann")
    async with a_livekit() as livekit, contextlib.AsyncExitStack() as host:
        client = await host.enter_async_context(an_api(caplog, livekit))
        await client.place()
        await livekit.until(lambda: len(livekit.rooms) == 1)
        slow = asyncio.create_task(raw(client, head(100), b"{"))
        await asyncio.sleep(0)
        async with asyncio.timeout(15):
            await host.aclose()
        await asyncio.gather(slow, return_exceptions=True)
