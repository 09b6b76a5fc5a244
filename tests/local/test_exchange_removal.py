"""Telephones that are put out of their rooms: what the others see, and that nothing is left."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from livekit import api, rtc
from plain_agent import CALLER, HOST_NUMBER, Agent, both_profiles
from sources import fall_to, sources

from host.local.exchange import Exchange, PhoneCall
from host.local.exchange.proxy import Proxy
from host.local.sound import purity, tone

Join = Callable[[str], Awaitable[Agent]]
PutOut = Callable[[api.LiveKitAPI, PhoneCall], Awaitable[None]]

REASON = rtc.DisconnectReason
TIMES = 3


async def remove(lk: api.LiveKitAPI, call: PhoneCall) -> None:
    """Remove the telephone of a call, as a host does."""
    who = api.RoomParticipantIdentity(room=call.room, identity=call.identity)
    await lk.room.remove_participant(who)


async def delete(lk: api.LiveKitAPI, call: PhoneCall) -> None:
    """Delete the room of a call, as a host does."""
    await lk.room.delete_room(api.DeleteRoomRequest(room=call.room))


SEEN: dict[PutOut, tuple[str, int]] = {
    remove: ("left", REASON.PARTICIPANT_REMOVED),
    delete: ("disconnected", REASON.ROOM_DELETED),
}
"""What the agent is told."""

both_ways = pytest.mark.parametrize("put_out", [remove, delete])
"""Runs a test with a telephone that is removed, and with one whose room is deleted."""


@both_profiles
@both_ways
async def test_telephones_that_are_put_out_send_no_more_silence(
    exchange: Exchange, join: Join, lk: api.LiveKitAPI, put_out: PutOut
) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    for _ in range(TIMES):
        call, agent = await bring(exchange, join)
        without = sources() - 1
        await put_out(lk, call)
        await agent.sees(*SEEN[put_out])
        await call.ended()
        await fall_to(without)
    assert [entry.detail for entry in exchange.ledger.of("FINAL")] == ["486"] * TIMES


@both_profiles
@both_ways
async def test_a_telephone_that_is_put_out_at_its_first_ring_sends_no_more_silence(
    exchange: Exchange, lk: api.LiveKitAPI, put_out: PutOut
) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    before = sources()
    call = await exchange.ring(CALLER, HOST_NUMBER)
    await call.rings()
    await put_out(lk, call)
    await call.ended()
    await fall_to(before)


@both_ways
async def test_a_telephone_goes_on_where_the_request_is_not_allowed(
    exchange: Exchange, join: Join, put_out: PutOut
) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    call, agent = await bring(exchange, join)
    async with api.LiveKitAPI(exchange.url, exchange.api_key, "x" * 32) as stranger:
        with pytest.raises(api.ServerError):
            await put_out(stranger, call)
    await beeps(call, agent)
    assert [name for name, _ in agent.saw].count("track") == 1


@pytest.mark.parametrize("grants", [{"room_create": True}, {"room_admin": True, "room": "other"}])
async def test_a_telephone_goes_on_where_the_token_is_for_something_else(
    exchange: Exchange, join: Join, grants: dict[str, Any]
) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    call, agent = await bring(exchange, join)
    token = api.AccessToken(exchange.api_key, exchange.api_secret)
    token.with_grants(api.VideoGrants(**grants))
    async with aiohttp.ClientSession(exchange.url.replace("ws", "http")) as client:
        request = client.post(
            "/twirp/livekit.RoomService/RemoveParticipant",
            json={"room": call.room, "identity": call.identity},
            headers={"Authorization": f"Bearer {token.to_jwt()}"},
        )
        async with request as answer:
            assert answer.status == 401
    await beeps(call, agent)
    assert [name for name, _ in agent.saw].count("track") == 1


@both_ways
async def test_a_telephone_is_heard_again_where_the_server_fails(
    exchange: Exchange,
    join: Join,
    lk: api.LiveKitAPI,
    put_out: PutOut,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fails(*_: object) -> web.Response:
        return web.json_response({"code": "unavailable", "msg": "no"}, status=503)

    await exchange.route(HOST_NUMBER, agent="")
    call, agent = await bring(exchange, join)
    before = sources() - 1
    with monkeypatch.context() as patch:
        patch.setattr(Proxy, "_http", fails)
        with pytest.raises(api.ServerError):
            await put_out(lk, call)
    await agent.pulse.until(
        lambda: [name for name, _ in agent.saw].count("track") == 2, 10, "the track again"
    )
    await beeps(call, agent)
    await put_out(lk, call)
    await call.ended()
    await fall_to(before)


async def beeps(call: PhoneCall, agent: Agent) -> None:
    """Let the telephone beep, and wait until the agent hears it."""
    call.media.say(tone(1000, 0.5))
    await agent.pulse.until(lambda: purity(agent.heard[-2400:], 1000) > 0.9, 10, "the beep")


async def bring(exchange: Exchange, join: Join) -> tuple[PhoneCall, Agent]:
    """Bring an agent to a telephone that rings; it hears it, and says nothing itself."""
    call = await exchange.ring(CALLER, HOST_NUMBER)
    await call.rings()
    agent = await join(call.room)
    await agent.sees("track")
    return call, agent
