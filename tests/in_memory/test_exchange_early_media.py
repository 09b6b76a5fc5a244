"""What a room hears of a number that is dialled, before anybody answers."""

from __future__ import annotations

import asyncio

import pytest
from livekit import api, rtc
from plain_agent import HOST_NUMBER, Agent

from host.local.exchange import Line, PhoneCall, Subscriber
from host.local.phone import Fails, NoAnswer, Telephone
from host.local.sound import level, tone

from .exchanges import ExchangeScene, played

PHONE = "+15552220001"
EARLY, LATE = 440, 1000
REASON = rtc.DisconnectReason


async def plays(line: Line) -> None:
    """Play what a network plays while it rings, for longer than it rings."""
    await line.play(tone(EARLY, 4.0))


async def says_hello(line: Line) -> None:
    await line.wait(1.0)
    await line.play(tone(LATE, 0.5))
    await line.wait(0.5)
    await line.hang_up()


async def dial(
    scene: ExchangeScene, phone: Subscriber, *, ringing: int = 5
) -> tuple[Agent, PhoneCall, asyncio.Task[api.SIPParticipantInfo]]:
    """Dial a telephone into the room of an agent."""
    scene.exchange.connect(PHONE, phone)
    trunk = await scene.exchange.trunk(HOST_NUMBER)
    agent = await scene.join("survey")
    request = api.CreateSIPParticipantRequest(
        sip_trunk_id=trunk, sip_call_to=PHONE, room_name="survey", wait_until_answered=True
    )
    request.ringing_timeout.FromSeconds(ringing)
    dialling = asyncio.create_task(scene.lk.sip.create_sip_participant(request, timeout=15))
    return agent, await scene.exchange.call_to(PHONE), dialling


async def hears_a_tone(agent: Agent) -> None:
    """Wait until the room hears a tone."""
    await agent.pulse.until(lambda: level(agent.heard[-1600:]) > -20, 10, "a tone")


@played("now", "2025")
async def test_early_media_reach_the_room_while_it_rings(scene: ExchangeScene) -> None:
    agent, call, dialling = await dial(scene, Telephone(3.0, says_hello, early=plays))
    await hears_a_tone(agent)
    assert call.answered_at is None
    assert agent.caller.attributes["sip.callStatus"] == "ringing"
    await dialling
    await agent.sees_status("active")
    await call.pulse.until(lambda: call.since_answer() > 0.8, 10, "a pause after the answer")
    assert level(agent.heard[-1600:]) < -60  # what was played early is over with the answer
    await hears_a_tone(agent)
    await call.ended()
    assert [entry.detail for entry in scene.exchange.ledger.of("RINGING")] == [
        "183 with early media"
    ]


@played("now", "2025")
async def test_nobody_answers_a_network_that_talks(scene: ExchangeScene) -> None:
    agent, call, dialling = await dial(scene, NoAnswer(early=plays), ringing=2)
    await hears_a_tone(agent)
    with pytest.raises(api.ServerError) as refused:
        await dialling
    await call.ended()
    assert (refused.value.code, call.sip_status) == ("canceled", 0)
    assert await agent.sees("left")


@played("now", "2025")
async def test_an_announcement_precedes_the_final_response(scene: ExchangeScene) -> None:
    agent, call, dialling = await dial(scene, Fails(404, 2.0, early=plays))
    await hears_a_tone(agent)
    with pytest.raises(api.SipCallError) as refused:
        await dialling
    await call.ended()
    assert (refused.value.sip_status_code, call.status) == (404, "not found")
    assert await agent.sees("left")
