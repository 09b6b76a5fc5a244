"""What a room sees of a telephone whose packets stop, and of one on hold."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration
from livekit import api, rtc
from plain_agent import CALLER, HOST_NUMBER, Agent

from host.local.exchange import Line, PhoneCall, Subscriber
from host.local.exchange.line import PersonScript
from host.local.sound import level, tone

from .exchanges import ExchangeScene, played

PHONE = "+15552220001"
REASON = rtc.DisconnectReason
MUSIC = tone(440, 1.5)
FAINT = 8
"""Amplitude of int16 samples that a codec makes of silence."""


async def ring(scene: ExchangeScene, script: PersonScript) -> tuple[PhoneCall, Agent]:
    """Ring an agent, who picks up and hears the caller."""
    await scene.exchange.route(HOST_NUMBER, agent="")
    call = await scene.exchange.ring(CALLER, HOST_NUMBER, script)
    agent = await scene.join(call.room)
    await agent.speaks_up()
    await call.answered()
    await agent.sees("track")
    return call, agent


async def packets_in(agent: Agent, seconds: float) -> int:
    """Count the packets of the caller's track that the SDK receives in some time."""
    (publication,) = agent.caller.track_publications.values()
    assert publication.track

    async def received() -> int:
        assert publication.track
        stats = await publication.track.get_stats()
        return sum(one.inbound_rtp.received.packets_received for one in stats)

    before = await received()
    await asyncio.sleep(seconds)
    return await received() - before


async def line_is_heard(call: PhoneCall) -> None:
    """Wait until the telephone has heard a sound."""
    await call.pulse.until(lambda: call.media.heard_something_at > 0, 10, "a sound")


def length_of(call: PhoneCall) -> float:
    assert call.answered_at
    assert call.ended_at
    return call.ended_at - call.answered_at


@played()
async def test_a_telephone_on_hold_plays_its_music_and_hears_nothing(scene: ExchangeScene) -> None:
    resumed = asyncio.Event()

    async def holds(line: Line) -> None:
        await line.wait(1.0)
        line.hold()
        await line.play(MUSIC)
        await line.wait(1.0)
        line.resume()
        resumed.set()
        await line.sound()
        await line.hang_up()

    call, agent = await ring(scene, holds)
    await agent.pulse.until(lambda: level(agent.heard[-1600:]) > -20, 10, "the music")
    before = dict(agent.caller.attributes)
    await agent.beeps(700, 0.6)
    await asyncio.wait_for(resumed.wait(), 10)
    assert call.media.heard_something_at == 0.0
    assert agent.caller.attributes == before
    assert before["sip.callStatus"] == "active"
    await agent.beeps(700, 0.6)
    await call.ended()
    assert call.media.heard_something_at > 3.0


@played()
async def test_a_hold_without_media_brings_no_packet_to_the_room(scene: ExchangeScene) -> None:
    async def holds(line: Line) -> None:
        await line.wait(3.0)
        line.hold("inactive")
        await line.wait(4.0)
        line.resume()
        await line.stay()

    call, agent = await ring(scene, holds)
    silent = await packets_in(agent, 2.0)
    await call.pulse.until(lambda: call.rtp and not call.rtp.sends, 10, "the hold")
    await asyncio.sleep(0.5)
    held = await packets_in(agent, 2.0)
    (publication,) = agent.caller.track_publications.values()
    muted = publication.muted
    await call.pulse.until(lambda: call.rtp and call.rtp.sends, 10, "the call's return")
    resumed = await packets_in(agent, 2.0)
    assert silent > 0
    assert held == 0 or muted  # the real SDK sends some packets of a muted track
    assert resumed > 0
    assert "left" not in dict(agent.saw)
    await call.hang_up()


@pytest.mark.parametrize(
    "stops",
    [Line.lose_network, lambda line: line.hold("inactive")],
    ids=["a lost network", "a hold without media"],
)
@played("now", "2025")
async def test_a_call_ends_when_no_packet_has_come_for_a_while(
    scene: ExchangeScene, stops: Callable[[Line], None]
) -> None:
    async def stops_sending(line: Line) -> None:
        await line.wait(1.0)
        stops(line)
        await line.stay()

    call, agent = await ring(scene, stops_sending)
    await call.ended(60)
    assert await agent.sees("left") == REASON.CLIENT_INITIATED
    assert ("status", "hangup") in agent.saw
    assert (call.ended_by, call.ending and call.ending.how) == ("far end", "media timeout")
    timeout = {"now": 15.0, "2025": 25.6}[scene.profile]
    assert length_of(call) == pytest.approx(1.0 + timeout, abs=0.5)


@played()
async def test_a_callee_whose_packets_stop_leaves_without_a_word(scene: ExchangeScene) -> None:
    async def loses_its_network(line: Line) -> None:
        await line.wait(1.0)
        line.lose_network()
        await line.stay()

    scene.exchange.connect(PHONE, Subscriber(200, 0.2, script=loses_its_network))
    trunk = await scene.exchange.trunk(HOST_NUMBER)
    agent = await scene.join("survey")
    request = api.CreateSIPParticipantRequest(
        sip_trunk_id=trunk, sip_call_to=PHONE, room_name="survey", wait_until_answered=True
    )
    request.media.media_timeout.CopyFrom(Duration(seconds=3))
    await scene.lk.sip.create_sip_participant(request, timeout=15)
    call = await scene.exchange.call_to(PHONE)
    await call.ended()
    assert await agent.sees("left") == REASON.CLIENT_INITIATED
    assert ("status", "hangup") not in agent.saw
    assert length_of(call) == pytest.approx(1.0 + 3.0, abs=0.5)


@pytest.mark.parametrize(("first", "active"), [(0.4, 0.4), (3.0, 1.0)])
@played("now", "2025")
async def test_a_caller_is_active_with_the_first_packet_or_after_a_second(
    scene: ExchangeScene, first: float, active: float
) -> None:
    async def talks_at_once(line: Line) -> None:
        await line.play(tone(440, 1.0))  # of which nothing goes out before the first packet
        await line.wait(3.0)
        await line.play(tone(440, 0.5))
        await line.stay()

    await scene.exchange.route(HOST_NUMBER, agent="")
    call = await scene.exchange.ring(CALLER, HOST_NUMBER, talks_at_once, first_packet=first)
    agent = await scene.join(call.room)
    await agent.speaks_up()
    await call.answered()
    await agent.sees_status("active")
    assert call.since_answer() == pytest.approx(active, abs=0.3)
    await agent.beeps()
    await line_is_heard(call)
    if first > 1:
        assert np.abs(agent.heard).max(initial=0) <= FAINT
    await agent.pulse.until(lambda: level(agent.heard[-1600:]) > -20, 10, "the caller")
    assert call.since_answer() > first
    await call.hang_up()


@played()
async def test_a_caller_who_never_sends_a_packet_is_hung_up_on(scene: ExchangeScene) -> None:
    await scene.exchange.route(HOST_NUMBER, agent="")
    call = await scene.exchange.ring(CALLER, HOST_NUMBER, first_packet=math.inf)
    agent = await scene.join(call.room)
    await agent.speaks_up()
    await call.ended(60)
    assert (call.ended_by, call.ending and call.ending.how) == ("far end", "media timeout")
    assert length_of(call) == pytest.approx(30.0, abs=0.5)


@played()
async def test_a_trunk_sets_how_long_packets_may_stay_away(scene: ExchangeScene) -> None:
    async def drives_through_a_tunnel(line: Line) -> None:
        await line.wait(1.0)
        line.lose_network()
        await line.wait(1.0)
        line.find_network()
        await line.wait(1.5)
        line.lose_network()
        await line.stay()

    await scene.exchange.route(HOST_NUMBER, agent="")
    trunk = scene.exchange.directory.inbound.pick(())[0]
    trunk.media.media_timeout.CopyFrom(Duration(seconds=2))
    call = await scene.exchange.ring(CALLER, HOST_NUMBER, drives_through_a_tunnel)
    agent = await scene.join(call.room)
    await agent.speaks_up()
    await call.ended()
    assert length_of(call) == pytest.approx(3.5 + 2.0, abs=0.5)


@pytest.mark.parametrize("inbound", [True, False], ids=["inbound", "outbound"])
@played("2025")
async def test_the_livekit_sip_of_2025_takes_a_hold_for_a_new_call(
    scene: ExchangeScene, inbound: bool
) -> None:
    async def holds(line: Line) -> None:
        await line.wait(1.0)
        line.hold()
        await line.play(tone(440, 60.0))

    if inbound:
        held, agent = await ring(scene, holds)
    else:
        await scene.exchange.route(HOST_NUMBER, agent="")
        scene.exchange.connect(PHONE, Subscriber(200, 0.2, script=holds))
        trunk = await scene.exchange.trunk(HOST_NUMBER)
        agent = await scene.join("survey")
        request = api.CreateSIPParticipantRequest(
            sip_trunk_id=trunk, sip_call_to=PHONE, room_name="survey", wait_until_answered=True
        )
        await scene.lk.sip.create_sip_participant(request, timeout=15)
        held = await scene.exchange.call_to(PHONE)
    await held.pulse.until(lambda: len(scene.exchange.calls) == 2, 10, "a second call")
    second = scene.exchange.calls[1]
    assert (second.caller, second.called) == (held.number, HOST_NUMBER)
    assert second.room != held.room
    other = await scene.join(second.room)
    await other.speaks_up()
    await second.answered()
    await held.ended(60)
    assert not second.done
    assert held.ending
    assert held.ending.how == "media timeout"
    assert await agent.sees("left") == REASON.CLIENT_INITIATED
    assert np.abs(agent.heard).max(initial=0) <= FAINT
    await second.hang_up()
