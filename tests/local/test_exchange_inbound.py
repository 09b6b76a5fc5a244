"""Calls that come in: a person rings, an agent answers or doesn't."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from google.protobuf.duration_pb2 import Duration
from livekit import api, rtc
from plain_agent import CALLER, HOST_NUMBER, Agent, both_profiles
from sources import fall_to, sources

from host.local.exchange import Exchange, Line, PhoneCall
from host.local.livekit import LiveKitServer
from host.local.sound import purity

Join = Callable[[str], Awaitable[Agent]]

REASON = rtc.DisconnectReason


@both_profiles
async def test_a_caller_is_answered_when_the_agent_speaks_up(
    exchange: Exchange, join: Join
) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    call = await exchange.ring(CALLER, HOST_NUMBER)
    await call.rings()
    agent = await join(call.room)
    await agent.sees_status("ringing")
    assert call.status == "ringing"
    await agent.speaks_up()
    await call.answered()
    await agent.sees_status("active")
    assert agent.caller.kind == rtc.ParticipantKind.PARTICIPANT_KIND_SIP
    assert [entry.kind for entry in exchange.ledger] == ["INVITE", "ANSWERED"]


@both_profiles
async def test_an_agent_sees_who_calls_and_whom(exchange: Exchange, join: Join) -> None:
    rule = await exchange.route(HOST_NUMBER, agent="", prefix="reminder")
    rule.attributes["tenant"] = "7"
    rule.metadata = "for all"
    call = await exchange.ring(CALLER, HOST_NUMBER)
    await call.rings()
    agent = await join(call.room)
    await agent.sees_status("ringing")
    caller = agent.caller
    assert call.room.startswith(f"reminder_{CALLER}_")
    assert (caller.identity, caller.name) == (f"sip_{CALLER}", f"Phone {CALLER}")
    assert caller.metadata == "for all"
    attributes = caller.attributes
    assert attributes["sip.phoneNumber"] == CALLER
    assert attributes["sip.trunkPhoneNumber"] == HOST_NUMBER
    assert attributes["sip.callID"] == call.id
    assert attributes["sip.ruleID"] == rule.sip_dispatch_rule_id
    assert attributes["tenant"] == "7"
    assert {"sip.trunkID", "sip.hostname", "sip.callIDFull", "sip.callTag"} <= set(attributes)


async def picked_up(exchange: Exchange, join: Join) -> tuple[PhoneCall, Agent]:
    """A call that an agent has answered: the telephone's side, and the agent."""
    await exchange.route(HOST_NUMBER, agent="")
    call = await exchange.ring(CALLER, HOST_NUMBER)
    agent = await join(call.room)
    await agent.speaks_up()
    await call.answered()
    return call, agent


@pytest.mark.parametrize("profile", ["2025"])
async def test_the_2025_profile_shows_a_caller_without_status_at_first(
    exchange: Exchange, join: Join
) -> None:
    rule = await exchange.route(HOST_NUMBER, agent="")
    rule.rule.dispatch_rule_individual.no_randomness = True
    agent = await join(f"call_{CALLER}")
    await exchange.ring(CALLER, HOST_NUMBER)
    await agent.sees("joined")
    at_first = set(agent.caller.attributes)
    await agent.sees_status("ringing")
    assert at_first == {
        "sip.callID",
        "sip.trunkID",
        "sip.ruleID",
        "sip.phoneNumber",
        "sip.trunkPhoneNumber",
    }


@both_profiles
async def test_a_caller_who_hangs_up_says_so_and_leaves(exchange: Exchange, join: Join) -> None:
    async def hangs_up(line: Line) -> None:
        await line.sound()
        await line.hang_up()

    await exchange.route(HOST_NUMBER, agent="")
    call = await exchange.ring(CALLER, HOST_NUMBER, hangs_up)
    agent = await join(call.room)
    await agent.speaks_up()
    await call.answered()
    await agent.beeps()
    await call.ended()
    assert await agent.sees("left") == REASON.CLIENT_INITIATED
    assert ("status", "hangup") in agent.saw
    assert (call.status, call.ended_by, call.sip_status) == ("ended", "phone", 200)


async def test_deleting_the_room_hangs_up_the_call(
    exchange: Exchange, join: Join, lk: api.LiveKitAPI
) -> None:
    call, agent = await picked_up(exchange, join)
    await lk.room.delete_room(api.DeleteRoomRequest(room=call.room))
    await call.ended()
    assert call.ended_by == "far end"
    assert [entry.detail for entry in exchange.ledger.of("BYE")] == ["far end: room deleted"]


async def test_a_caller_whose_sdk_misses_that_the_room_is_deleted_hangs_up_as_well(
    exchange: Exchange, join: Join, lk: api.LiveKitAPI
) -> None:
    call, agent = await picked_up(exchange, join)
    (leg,) = exchange._office.legs.values()
    leg._room.off("disconnected", leg._on_disconnected)  # as while it reconnects
    await lk.room.delete_room(api.DeleteRoomRequest(room=call.room))
    await call.ended()
    assert [entry.detail for entry in exchange.ledger.of("BYE")] == ["far end: room deleted"]


async def test_removing_the_caller_hangs_up_the_call(
    exchange: Exchange, join: Join, lk: api.LiveKitAPI
) -> None:
    call, agent = await picked_up(exchange, join)
    who = api.RoomParticipantIdentity(room=call.room, identity=call.identity)
    await lk.room.remove_participant(who)
    await call.ended()
    assert call.ended_by == "far end"
    assert await agent.sees("left") == REASON.PARTICIPANT_REMOVED


async def test_the_agent_can_end_the_call_by_rpc(exchange: Exchange, join: Join) -> None:
    call, agent = await picked_up(exchange, join)
    await agent.end_call(call.identity)
    await call.ended()
    assert call.ended_by == "far end"
    assert await agent.sees("left") == REASON.CLIENT_INITIATED
    assert ("status", "hangup") in agent.saw


@both_profiles
async def test_a_room_deleted_while_it_rings_sounds_busy(
    exchange: Exchange, lk: api.LiveKitAPI
) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    call = await exchange.ring(CALLER, HOST_NUMBER)
    await call.rings()
    await lk.room.delete_room(api.DeleteRoomRequest(room=call.room))
    await call.ended()
    assert (call.status, call.sip_status) == ("busy", 486)
    with pytest.raises(ConnectionError, match="busy"):
        await call.answered()


@both_profiles
async def test_a_call_that_nobody_takes_is_busy_after_the_ringing_timeout(
    exchange: Exchange, join: Join
) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    trunk = exchange.directory.inbound.pick(())[0]
    trunk.ringing_timeout.CopyFrom(Duration(seconds=1))
    call = await exchange.ring(CALLER, HOST_NUMBER)
    agent = await join(call.room)
    await call.ended()
    assert (call.status, call.sip_status) == ("busy", 486)
    assert await agent.sees("left") == REASON.CLIENT_INITIATED
    assert ("status", "hangup") not in agent.saw


@both_profiles
async def test_a_caller_can_give_up_while_it_rings(
    exchange: Exchange, join: Join, profile: str
) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    call = await exchange.ring(CALLER, HOST_NUMBER, patience=3.0)
    agent = await join(call.room)
    await call.ended()
    assert (call.status, call.sip_status) == ("cancelled", {"now": 487, "2025": 0}[profile])
    assert await agent.sees("left") == REASON.CLIENT_INITIATED
    assert ("status", "hangup") in agent.saw
    assert exchange.ledger.of("CANCEL")


async def test_a_call_may_last_only_so_long(exchange: Exchange, join: Join) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    trunk = exchange.directory.inbound.pick(())[0]
    trunk.max_call_duration.CopyFrom(Duration(seconds=2))
    call = await exchange.ring(CALLER, HOST_NUMBER)
    agent = await join(call.room)
    await agent.speaks_up()
    await call.answered()
    await call.ended()
    assert (call.ended_by, call.ending and call.ending.how) == ("far end", "max call duration")
    await agent.sees("left")
    assert ("status", "hangup") in agent.saw


@pytest.mark.parametrize(
    "caller", ["", "anonymous", "5" * 300, '"><script>', "\N{TELEPHONE RECEIVER}", "+1900"]
)
async def test_hostile_caller_ids_break_nothing(exchange: Exchange, caller: str) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    call = await exchange.ring(caller, HOST_NUMBER, patience=0.3)
    await call.ended()
    too_long_for_a_room = len(caller) > 256
    assert call.sip_status == (503 if too_long_for_a_room else 487)


async def test_headers_become_attributes_where_the_trunk_says_so(
    exchange: Exchange, join: Join
) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    trunk = exchange.directory.inbound.pick(())[0]
    trunk.headers_to_attributes["X-Account"] = "account"
    trunk.include_headers = api.SIPHeaderOptions.SIP_X_HEADERS
    headers = {"X-Account": "42", "Subject": "hello"}
    call = await exchange.ring(CALLER, HOST_NUMBER, headers=headers)
    agent = await join(call.room)
    await agent.sees_status("ringing")
    assert agent.caller.attributes["account"] == "42"
    assert agent.caller.attributes["sip.h.x-account"] == "42"
    assert "sip.h.subject" not in agent.caller.attributes


async def test_ringing_calls_end_with_the_exchange(livekit: LiveKitServer, join: Join) -> None:
    async with Exchange(livekit.url, livekit.api_key, livekit.api_secret) as other:
        await other.route(HOST_NUMBER, agent="")
        call = await other.ring(CALLER, HOST_NUMBER)
        await call.rings()
        agent = await join(call.room)
        await agent.sees_status("ringing")
    assert call.done
    assert call.ended_by == "exchange"
    await agent.sees("left")


async def test_sound_passes_both_ways_and_is_recorded_on_one_axis(
    exchange: Exchange, join: Join
) -> None:
    async def echoes(line: Line) -> None:
        await line.sound()
        await line.silence_for(0.4)
        await line.beep(1000, 1.0)
        await line.stay()

    await exchange.route(HOST_NUMBER, agent="")
    call = await exchange.ring(CALLER, HOST_NUMBER, echoes)
    agent = await join(call.room)
    await agent.speaks_up()
    await call.answered()
    await agent.sees("track")
    await agent.beeps(700, 0.6)
    await agent.pulse.until(lambda: purity(agent.heard[-6400:], 1000) > 0.9, 10, "the echo")
    await call.hang_up()
    said, heard = call.recording[:, 0], call.recording[:, 1]
    assert purity(heard, 700) > 0.8
    assert purity(said, 1000) > 0.9
    assert abs(heard.argmax() - said.argmax()) > 4000
    assert call.answered_at
    assert call.ended_at
    assert call.recording.shape[0] == pytest.approx(
        (call.ended_at - call.answered_at) * 8000, abs=900
    )


async def test_an_exchange_leaves_no_task_behind(livekit: LiveKitServer) -> None:
    before = asyncio.all_tasks()
    async with Exchange(livekit.url, livekit.api_key, livekit.api_secret) as exchange:
        await exchange.route(HOST_NUMBER, agent="")
        for caller in ("+15557770001", "+15557770002"):
            call = await exchange.ring(caller, HOST_NUMBER, patience=0.2)
            await call.ended()
        call = await exchange.ring("+15557770003", HOST_NUMBER)
        await call.rings()
    assert asyncio.all_tasks() == before


async def test_two_calls_at_once_keep_apart(exchange: Exchange, join: Join) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    first = await exchange.ring(CALLER, HOST_NUMBER)
    second = await exchange.ring("+15557770002", HOST_NUMBER)
    agents = await asyncio.gather(join(first.room), join(second.room))
    await agents[0].speaks_up()
    await first.answered()
    await second.rings()
    assert second.status == "ringing"
    await first.hang_up()
    assert second.status == "ringing"


async def test_a_call_that_is_over_sends_no_more_silence(exchange: Exchange) -> None:
    before = sources()
    await exchange.route(HOST_NUMBER, agent="")
    call = await exchange.ring(CALLER, HOST_NUMBER)
    await call.rings()
    assert sources() == before + 1
    await call.hang_up()
    await call.ended()
    await fall_to(before)
