"""Calls that go out: the API dials a number, and says how that went."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import aiohttp
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import status_pb2  # type: ignore[import-untyped]
from livekit import api, rtc
from livekit.protocol.sip import SIPStatus
from plain_agent import HOST_NUMBER, Agent, both_profiles

from host.local.exchange import Exchange, Line, PhoneCall, Subscriber
from host.local.phone import (
    Busy,
    Declines,
    Fails,
    Invalid,
    NoAnswer,
    NoResponse,
    Overloaded,
    Telephone,
    Unavailable,
    Unreachable,
)
from host.local.sound import level, purity

Join = Callable[[str], Awaitable[Agent]]
Dial = Callable[..., Coroutine[Any, Any, api.SIPParticipantInfo]]

PHONE = "+15552220001"
ROOM = "survey-1"
REASON = rtc.DisconnectReason


@pytest.fixture
async def dial(exchange: Exchange, lk: api.LiveKitAPI) -> Dial:
    """Dial a number into the room, and wait for the answer unless the test says otherwise."""
    trunk = await exchange.trunk(HOST_NUMBER)

    async def call(
        number: str = PHONE, ringing: float | None = None, **more: Any
    ) -> api.SIPParticipantInfo:
        fields: dict[str, Any] = {
            "sip_trunk_id": trunk,
            "room_name": ROOM,
            "wait_until_answered": True,
            **more,
        }
        request = api.CreateSIPParticipantRequest(sip_call_to=number, **fields)
        if ringing is not None:
            request.ringing_timeout.FromMilliseconds(round(ringing * 1000))
        return await lk.sip.create_sip_participant(request, timeout=15)

    return call


async def last_call(exchange: Exchange) -> PhoneCall:
    """Give the call that was made last, once it is over."""
    call = exchange.calls[-1]
    await call.ended()
    return call


@both_profiles
async def test_a_call_is_dialing_then_ringing_then_active(
    exchange: Exchange, join: Join, dial: Dial
) -> None:
    exchange.connect(PHONE, Telephone(answer_after=0.4))
    agent = await join(ROOM)
    dialled = asyncio.create_task(dial())
    call = await exchange.call_to(PHONE)
    await agent.sees("joined")
    assert agent.caller.attributes["sip.callStatus"] in ("dialing", "ringing")
    await agent.sees_status("ringing")
    assert not call.answered_at
    info = await dialled
    await agent.sees_status("active")
    assert call.status == "active"
    assert (info.participant_identity, info.room_name) == (f"sip_{PHONE}", ROOM)
    assert (info.sip_call_id, info.participant_id) == (call.id, agent.caller.sid)
    assert agent.caller.kind == rtc.ParticipantKind.PARTICIPANT_KIND_SIP
    attributes = agent.caller.attributes
    assert attributes["sip.phoneNumber"] == PHONE
    assert attributes["sip.trunkPhoneNumber"] == HOST_NUMBER
    assert {"sip.trunkID", "sip.hostname", "sip.callIDFull", "sip.callTag"} <= set(attributes)
    assert "sip.ruleID" not in attributes
    kinds = [entry.kind for entry in exchange.ledger.of("INVITE", "RINGING", "ANSWERED")]
    assert kinds == ["INVITE", "RINGING", "ANSWERED"]


async def test_the_agent_is_not_heard_before_the_answer(
    exchange: Exchange, join: Join, dial: Dial
) -> None:
    async def listens(line: Line) -> None:
        await line.sound()
        await line.silence_for(0.5)
        await line.hang_up()

    exchange.connect(PHONE, Telephone(answer_after=0.8, script=listens))
    agent = await join(ROOM)
    await agent.speaks_up()
    dialled = asyncio.create_task(dial())
    call = await exchange.call_to(PHONE)
    await agent.sees_status("ringing")
    await agent.beeps(500, 0.3)
    await dialled
    await asyncio.sleep(0.3)  # the subscription, which no event tells from here
    await agent.beeps(700, 0.6)
    await call.ended()
    heard = call.recording[:, 1]
    assert purity(heard, 700) > 0.8
    assert purity(heard, 500) < 0.01
    assert await agent.sees("left") == REASON.CLIENT_INITIATED


FAILURES = [
    # phone, SIP status, status of the call, now: twirp code and leave reason, 2025: the same
    (Busy(), 486, "busy", "failed_precondition", 12, "unavailable", 12),
    (Declines(0.1), 603, "declined", "permission_denied", 12, "unavailable", 1),
    (Invalid(), 404, "not found", "not_found", 11, "invalid_argument", 1),
    (Unavailable(), 480, "unavailable", "failed_precondition", 11, "unavailable", 1),
    (Fails(503), 503, "failed", "failed_precondition", 1, "unavailable", 1),
    (Fails(403), 403, "refused", "permission_denied", 12, "permission_denied", 1),
    (Fails(500), 500, "failed", "failed_precondition", 1, "internal", 1),
]


@both_profiles
@pytest.mark.parametrize("failure", FAILURES, ids=[str(each[1]) for each in FAILURES])
async def test_a_failed_call_tells_the_sip_status(
    exchange: Exchange,
    join: Join,
    dial: Dial,
    profile: str,
    failure: tuple[Subscriber, int, str, str, int, str, int],
) -> None:
    phone, status, name, now_code, now_reason, old_code, old_reason = failure
    code, reason = (now_code, now_reason) if profile == "now" else (old_code, old_reason)
    exchange.connect(PHONE, phone)
    agent = await join(ROOM)
    with pytest.raises(api.SipCallError) as caught:
        await dial()
    assert (caught.value.sip_status_code, caught.value.code) == (status, code)
    call = await last_call(exchange)
    assert (call.status, call.sip_status, call.answered_at) == (name, status, None)
    assert [entry.detail for entry in exchange.ledger.of("FINAL")] == [str(status)]
    if ("joined", f"sip_{PHONE}") in agent.saw:  # else it was gone before it was shown
        assert await agent.sees("left") == reason
        assert ("status", "hangup") not in agent.saw


async def test_a_trunk_that_is_lost_in_the_network_tells_no_sip_status(
    exchange: Exchange, dial: Dial
) -> None:
    exchange.connect(PHONE, Unreachable())
    with pytest.raises(api.ServerError) as caught:
        await dial()
    assert not isinstance(caught.value, api.SipCallError)
    assert (caught.value.code, caught.value.status) == ("failed_precondition", 412)
    assert (await last_call(exchange)).answered_at is None
    assert len(exchange.ledger.of("INVITE", number=PHONE)) == 1


async def test_a_livekit_sip_that_is_too_busy_dials_nothing_until_the_next_try(
    exchange: Exchange, dial: Dial
) -> None:
    exchange.connect(PHONE, Overloaded(then=Telephone(answer_after=0.1)))
    with pytest.raises(api.ServerError, match="cpu exhausted") as caught:
        await dial()
    assert (caught.value.code, caught.value.status) == ("unavailable", 503)
    assert not exchange.ledger.of("INVITE", number=PHONE)
    await dial()
    assert len(exchange.ledger.of("INVITE", number=PHONE)) == 1


@both_profiles
async def test_an_error_has_the_details_of_a_grpc_status(
    exchange: Exchange, dial: Dial, profile: str
) -> None:
    exchange.connect(PHONE, Busy())
    with pytest.raises(api.SipCallError) as caught:
        await dial()
    meta = caught.value.metadata
    rpc = status_pb2.Status.FromString(base64.b64decode(meta["error_details"]))
    detail = SIPStatus()
    assert rpc.details[0].Unpack(detail)
    spelled, reason = {
        "now": ("486: Busy Here", "Busy Here"),
        "2025": ("486 (BUSY_HERE)", ""),
    }[profile]
    assert (detail.code, detail.status) == (486, reason)
    assert caught.value.message == f"twirp error unknown: INVITE failed: sip status: {spelled}"
    assert meta["sip_status"] == (reason or "SIP_STATUS_BUSY_HERE")


@both_profiles
@pytest.mark.parametrize("phone", [NoAnswer(), NoResponse()], ids=["rings", "silent"])
async def test_nobody_picks_up_within_the_ringing_timeout(
    exchange: Exchange, join: Join, dial: Dial, profile: str, phone: Subscriber
) -> None:
    exchange.connect(PHONE, phone)
    agent = await join(ROOM)
    with pytest.raises(api.ServerError) as caught:
        await dial(ringing=0.7)
    assert not isinstance(caught.value, api.SipCallError)
    text = {"now": "sip request timed out", "2025": "canceled"}[profile]
    assert (caught.value.code, caught.value.status) == ("canceled", 408)
    assert caught.value.message == f"twirp error unknown: {text}"
    assert await agent.sees("left") == {"now": 11, "2025": 1}[profile]
    call = await last_call(exchange)
    assert (call.status, call.ended_by) == ("no answer", "far end")
    assert call.ended_at
    assert 0.6 < call.ended_at - call.started_at < 2.5


async def test_a_number_that_is_not_connected_is_not_found(exchange: Exchange, dial: Dial) -> None:
    with pytest.raises(api.SipCallError) as caught:
        await dial("+19005551234")
    assert caught.value.sip_status_code == 404
    assert exchange.ledger.numbers == ["+19005551234"]


async def test_a_dial_that_does_not_wait_comes_back_at_once(
    exchange: Exchange, join: Join, dial: Dial
) -> None:
    exchange.connect(PHONE, Busy(after=0.5))
    agent = await join(ROOM)
    info = await dial(wait_until_answered=False)
    assert info.sip_call_id
    assert not exchange.calls[-1].done
    assert await agent.sees("left") == REASON.USER_REJECTED


@both_profiles
async def test_deleting_the_room_cancels_a_call_that_rings(
    exchange: Exchange, lk: api.LiveKitAPI, dial: Dial
) -> None:
    exchange.connect(PHONE, NoAnswer())
    dialled = asyncio.create_task(dial())
    call = await exchange.call_to(PHONE)
    await call.rings()
    await lk.room.delete_room(api.DeleteRoomRequest(room=ROOM))
    with pytest.raises(api.ServerError) as caught:
        await dialled
    assert (caught.value.code, caught.value.metadata) == ("canceled", {})
    await call.ended()
    assert (call.status, call.ended_by) == ("cancelled", "far end")
    assert exchange.ledger.of("CANCEL", number=PHONE)


async def test_a_client_that_goes_away_does_not_end_the_call(
    exchange: Exchange, join: Join, dial: Dial
) -> None:
    exchange.connect(PHONE, Telephone(answer_after=0.6))
    agent = await join(ROOM)
    dialled = asyncio.create_task(dial())
    call = await exchange.call_to(PHONE)
    await call.rings()
    dialled.cancel()
    await call.answered()
    await agent.sees_status("active")
    assert call.status == "active"


async def test_a_person_who_hangs_up_ends_the_call(
    exchange: Exchange, join: Join, dial: Dial
) -> None:
    async def hangs_up(line: Line) -> None:
        await line.wait(0.3)
        await line.hang_up()

    exchange.connect(PHONE, Telephone(0.1, hangs_up))
    agent = await join(ROOM)
    await dial()
    assert await agent.sees("left") == REASON.CLIENT_INITIATED
    assert ("status", "hangup") in agent.saw
    assert (await last_call(exchange)).ended_by == "phone"


async def test_who_is_called_can_decline_while_it_rings(exchange: Exchange, dial: Dial) -> None:
    exchange.connect(PHONE, NoAnswer())
    dialled = asyncio.create_task(dial())
    call = await exchange.call_to(PHONE)
    await call.rings()
    await call.hang_up()
    with pytest.raises(api.SipCallError) as caught:
        await dialled
    assert caught.value.sip_status_code == 603
    assert (call.status, call.ended_by) == ("declined", "phone")


async def test_calls_to_a_number_count_from_when_it_was_connected(
    exchange: Exchange, dial: Dial
) -> None:
    for _ in range(2):
        exchange.connect(PHONE, Busy())
        with pytest.raises(api.SipCallError):
            await dial()
        assert await exchange.call_to(PHONE) is exchange.calls[-1]
    with pytest.raises(TimeoutError, match="a call to"):
        await exchange.call_to(PHONE, timeout=0.1, nth=2)


async def test_a_second_dial_of_one_number_into_one_room_ends_the_first(
    exchange: Exchange, dial: Dial
) -> None:
    exchange.connect(PHONE, Telephone(0.1))
    await dial()
    first = exchange.calls[-1]
    await dial()
    await first.ended()
    assert first.ending
    assert first.ending.how == "duplicate identity"
    assert exchange.calls[-1].status == "active"


async def test_digits_of_the_request_are_pressed_before_the_call_is_active(
    exchange: Exchange, join: Join, dial: Dial
) -> None:
    exchange.connect(PHONE, Telephone(0.1))
    agent = await join(ROOM)
    await dial(dtmf="w1#")
    await agent.sees_status("active")
    statuses = [value for event, value in agent.saw if event == "status"]
    assert statuses[-2:] == ["automation", "active"]
    keys = exchange.calls[-1].keys
    assert [key.digit for key in keys] == ["1", "#"]
    assert keys[0].at == pytest.approx(0.5, abs=0.3)


async def test_a_dial_tone_is_played_into_the_room_while_it_rings(
    exchange: Exchange, join: Join, dial: Dial
) -> None:
    exchange.connect(PHONE, Telephone(answer_after=1.2))
    agent = await join(ROOM)
    await dial(play_dialtone=True)
    assert max(purity(agent.heard[at : at + 1600], 425) for at in range(0, 9600, 1600)) > 0.9
    before = agent.heard.size
    await agent.pulse.until(lambda: agent.heard.size > before + 8000, 5, "a second of sound")
    assert level(agent.heard[-1600:]) < -50


async def test_keys_pass_both_ways_one_each_half_second(
    exchange: Exchange, join: Join, dial: Dial
) -> None:
    async def presses(line: Line) -> None:
        await line.press("5*#A")
        await line.keyed("1")

    exchange.connect(PHONE, Telephone(0.1, presses))
    agent = await join(ROOM)
    await dial()
    await agent.sees("key", (12, "a"))
    pressed = [value for event, value in agent.saw if event == "key"]
    assert pressed == [(5, "5"), (10, "*"), (11, "#"), (12, "a")]
    await agent.room.local_participant.publish_dtmf(code=0, digit="12w3x4")
    call = exchange.calls[-1]
    await call.pulse.until(lambda: len(call.keys) == 4, 10, "four keys")
    assert "".join(key.digit for key in call.keys) == "1234"
    gaps = [after.at - before.at for before, after in zip(call.keys, call.keys[1:], strict=False)]
    assert gaps == pytest.approx([0.5, 1.0, 0.5], abs=0.2)


async def test_a_call_may_last_only_so_long(exchange: Exchange, join: Join, dial: Dial) -> None:
    exchange.connect(PHONE, Telephone(0.1))
    agent = await join(ROOM)
    await dial(max_call_duration=Duration(seconds=1))
    call = await last_call(exchange)
    assert call.ending
    assert call.ending.how == "max call duration"
    await agent.sees("left")
    assert ("status", "hangup") in agent.saw


BAD_REQUESTS = [
    ({"number": ""}, "invalid_argument", "missing sip callee number"),
    ({"number": "a@b"}, "invalid_argument", "not a full SIP URI"),
    ({"room_name": ""}, "invalid_argument", "missing room name"),
    ({"sip_trunk_id": ""}, "invalid_argument", "missing sip trunk id"),
    ({"sip_trunk_id": "ST_none"}, "not_found", "requested sip trunk does not exist"),
]


@both_profiles
@pytest.mark.parametrize(("fields", "code", "text"), BAD_REQUESTS)
async def test_a_bad_request_dials_nothing(
    exchange: Exchange, dial: Dial, fields: dict[str, str], code: str, text: str
) -> None:
    with pytest.raises(api.ServerError, match=text) as caught:
        await dial(**fields)
    assert caught.value.code == code
    assert not isinstance(caught.value, api.SipCallError)
    assert len(exchange.ledger) == 0


async def test_an_inline_trunk_needs_a_number(exchange: Exchange, dial: Dial) -> None:
    inline = api.SIPOutboundConfig(hostname="carrier.example")
    with pytest.raises(api.ServerError, match="no numbers on outbound trunk"):
        await dial(sip_trunk_id="", trunk=inline)
    exchange.connect(PHONE, Telephone(0.1))
    await dial(sip_trunk_id="", trunk=inline, sip_number="+15553334444")
    assert exchange.calls[-1].caller == "+15553334444"


async def test_a_hidden_number_shows_nowhere(exchange: Exchange, join: Join, dial: Dial) -> None:
    exchange.connect(PHONE, Telephone(0.1))
    agent = await join(ROOM)
    await dial(hide_phone_number=True, participant_identity="callee")
    assert PHONE not in str(agent.caller.attributes)


async def test_a_request_over_json_is_answered_in_json(
    exchange: Exchange, dial: Dial, lk: api.LiveKitAPI
) -> None:
    exchange.connect(PHONE, Telephone(0.1))
    grants = api.AccessToken(exchange.api_key, exchange.api_secret).with_sip_grants(
        api.SIPGrants(call=True)
    )
    trunk = exchange.directory.outbound.pick(())[0].sip_trunk_id
    body = {"sip_trunk_id": trunk, "sipCallTo": PHONE, "room_name": ROOM}
    url = exchange.url.replace("ws", "http") + "/twirp/livekit.SIP/CreateSIPParticipant"
    headers = {"Authorization": f"Bearer {grants.to_jwt()}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=body, headers=headers) as answer,
    ):
        assert answer.status == 200
        assert (await answer.json())["participant_identity"] == f"sip_{PHONE}"
