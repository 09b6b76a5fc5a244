"""How long a leg takes to its room, which differs from call to call, and who gives up meanwhile."""

from __future__ import annotations

import time

import pytest
from livekit import api, rtc
from plain_agent import CALLER, HOST_NUMBER

from host.local.phone import Telephone

from .exchanges import ExchangeScene, played

REASON = rtc.DisconnectReason
SLACK = 0.4
"""Seconds that a join takes on one machine, about, and that tests allow."""


@played("now", "2025")
async def test_every_second_call_is_answered_late(scene: ExchangeScene) -> None:
    await scene.exchange.route(HOST_NUMBER, agent="")
    took = []
    for _ in range(3):
        call = await scene.exchange.ring(CALLER, HOST_NUMBER)
        agent = await scene.join(call.room)
        await agent.speaks_up()
        await call.answered()
        assert call.answered_at
        took.append(call.answered_at - call.started_at)
        await call.hang_up()
    first, second, third = took
    if scene.profile == "2025":
        first, second, third = second, first, second
    assert second - first == pytest.approx(0.65, abs=SLACK)
    assert third == pytest.approx(first, abs=SLACK)


@played("now", "2025")
async def test_every_second_invite_is_sent_late(scene: ExchangeScene) -> None:
    trunk = await scene.exchange.trunk(HOST_NUMBER)
    took = []
    for at in range(2):
        number = f"+1555222000{at}"
        scene.exchange.connect(number, Telephone(0.1))
        request = api.CreateSIPParticipantRequest(
            sip_trunk_id=trunk, sip_call_to=number, room_name=f"survey-{at}"
        )
        dialled = time.time()
        await scene.lk.sip.create_sip_participant(request)
        call = await scene.exchange.call_to(number)
        await call.answered()
        (invite,) = scene.exchange.ledger.of("INVITE", number=number)
        took.append(invite.at - dialled)
        await call.hang_up()
    soon, late = took if scene.profile == "now" else reversed(took)
    assert late - soon == pytest.approx(1.0, abs=SLACK)


@played("now", "2025")
async def test_a_caller_who_gives_up_while_the_leg_joins_is_told_late(
    scene: ExchangeScene,
) -> None:
    await scene.exchange.route(HOST_NUMBER, agent="")
    if scene.profile == "now":  # the next call is late
        await (await scene.exchange.ring(CALLER, HOST_NUMBER, patience=0.5)).ended()
    call = await scene.exchange.ring(CALLER, HOST_NUMBER, patience=0.3)
    agent = await scene.join(call.room)
    await call.pulse.until(lambda: call.sip_status is not None, 10, "a final response")
    responded = time.time()
    assert responded - call.started_at > 0.6
    assert call.ended_at
    assert call.ended_at - call.started_at == pytest.approx(0.3, abs=0.2)
    await call.ended()
    assert await agent.sees("left") == REASON.CLIENT_INITIATED
    assert ("status", "hangup") in agent.saw
    if scene.profile == "now":
        assert (call.status, call.sip_status) == ("cancelled", 487)
        assert time.time() - responded == pytest.approx(2.0, abs=0.5)
    else:
        assert (call.status, call.sip_status) == ("cancelled", 0)
        assert time.time() - responded < 0.5


@played("now", "2025")
async def test_a_room_that_is_deleted_while_the_leg_joins_sounds_busy_at_once(
    scene: ExchangeScene,
) -> None:
    await scene.exchange.route(HOST_NUMBER, agent="")
    if scene.profile == "now":
        await (await scene.exchange.ring(CALLER, HOST_NUMBER, patience=0.5)).ended()
    call = await scene.exchange.ring(CALLER, HOST_NUMBER)
    agent = await scene.join(call.room)
    await agent.sees("joined")
    await scene.lk.room.delete_room(api.DeleteRoomRequest(room=call.room))
    await call.ended()
    assert (call.status, call.sip_status) == ("busy", 486)
