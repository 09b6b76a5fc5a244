"""Another process on this machine rings the host through the exchange."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from plain_agent import CALLER, HOST_NUMBER, Agent

from host.local.exchange import Exchange

Join = Callable[[str], Awaitable[Agent]]
RING = {"caller": CALLER, "called": HOST_NUMBER}


@pytest.fixture
async def client(exchange: Exchange) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(exchange.url.replace("ws", "http")) as session:
        yield session


async def event(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(await socket.receive_str(timeout=10))
    return told


async def test_a_client_rings_presses_and_hangs_up(
    exchange: Exchange, client: aiohttp.ClientSession, join: Join
) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    async with client.ws_connect("/_exchange/ring", params=RING) as socket:
        ringing = await event(socket)
        assert ringing["event"] == "ringing"
        agent = await join(ringing["room"])
        await agent.speaks_up()
        assert (await event(socket))["event"] == "answered"
        await agent.room.local_participant.publish_dtmf(code=7, digit="7")
        key = await event(socket)
        assert (key["event"], key["digit"]) == ("key", "7")
        await socket.send_json({"do": "press", "keys": "42"})
        await agent.sees("key", (2, "2"))
        await socket.send_json({"do": "hang_up"})
        ended = await event(socket)
        assert ended["event"] == "ended"
        assert (ended["status"], ended["by"], ended["reason"]) == ("ended", "phone", "BYE")


async def test_a_client_hears_that_the_far_end_hung_up(
    exchange: Exchange, client: aiohttp.ClientSession, join: Join
) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    async with client.ws_connect("/_exchange/ring", params=RING) as socket:
        agent = await join((await event(socket))["room"])
        await agent.speaks_up()
        await event(socket)
        await agent.room.local_participant.perform_rpc(
            destination_identity=f"sip_{CALLER}", method="lk.sip.EndCall", payload="{}"
        )
        ended = await event(socket)
    assert (ended["by"], ended["reason"]) == ("far end", "lk.sip.EndCall")


async def test_a_client_that_goes_away_hangs_up(
    exchange: Exchange, client: aiohttp.ClientSession
) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    async with client.ws_connect("/_exchange/ring", params=RING) as socket:
        await event(socket)
    (call,) = exchange.calls
    await call.ended()
    assert (call.status, call.ended_by) == ("cancelled", "phone")


async def test_a_number_that_nobody_has_rings_until_the_caller_gives_up(
    exchange: Exchange, client: aiohttp.ClientSession
) -> None:
    async with client.ws_connect("/_exchange/ring", params=RING) as socket:
        assert (await event(socket))["event"] == "ringing"
        await socket.send_json({"do": "hang_up"})
        ended = await event(socket)
    assert (ended["event"], ended["status"], ended["sip_status"]) == ("ended", "cancelled", 0)


async def test_nonsense_from_a_client_is_passed_over(
    exchange: Exchange, client: aiohttp.ClientSession, join: Join
) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    async with client.ws_connect("/_exchange/ring", params=RING) as socket:
        agent = await join((await event(socket))["room"])
        await agent.speaks_up()
        await event(socket)
        for nonsense in ("not json", "[]", '{"do": "dance"}', '{"do": "press", "keys": "x"}'):
            await socket.send_str(nonsense)
        await socket.send_json({"do": "press", "keys": "1"})
        await agent.sees("key", (1, "1"))


async def test_the_ledger_can_be_read(exchange: Exchange, client: aiohttp.ClientSession) -> None:
    call = await exchange.ring(CALLER, HOST_NUMBER)
    await call.hang_up()
    async with client.get("/_exchange/ledger") as answer:
        entries = await answer.json()
    assert [entry["kind"] for entry in entries] == ["INVITE", "CANCEL", "FINAL"]
    assert entries[0]["number"] == HOST_NUMBER


async def test_web_pages_are_kept_out(client: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await client.ws_connect("/_exchange/ring", params=RING, origin="http://evil.example")
    assert caught.value.status == 403


async def test_both_numbers_are_needed(client: aiohttp.ClientSession) -> None:
    async with client.get("/_exchange/ring", params={"caller": CALLER}) as answer:
        assert answer.status == 400
