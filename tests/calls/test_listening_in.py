"""Somebody listens in to a call from the console: they hear it, and it goes on as without them."""

from __future__ import annotations

import asyncio

import pytest
from at_the_console import Ears, in_the_room, signed_in
from canaries import CARD
from in_memory.world import MemoryScene
from livekit import rtc
from people import tells_the_card
from test_hangup import hang_up, require_cancelled

from host.call.live import LiveCall
from host.local.phone import Line, PhoneCall
from host.records.outcome import Outcome
from host.testing import heard_once

pytestmark = [
    pytest.mark.memory("test_console_in_a_browser.py listens in a real browser"),
    pytest.mark.usefixtures("threads_that_the_clock_waits_for"),
]


async def greeted(scene: MemoryScene, call: PhoneCall) -> LiveCall:
    """Wait until a call's persona has begun to speak; return the call."""
    await call.pulse.until(lambda: call.heard, 30, "the greeting")
    return scene.memory.call_in(call.room)


async def test_a_listener_hears_both_sides_and_nobody_notices(scene: MemoryScene) -> None:
    listens = asyncio.Event()

    async def asks(line: Line) -> None:
        await line.heard("what can I do for you")
        await listens.wait()
        await line.wait(1)
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("desk", asks)
    live = await greeted(scene, call)
    ears = Ears(room := rtc.Room())
    async with (
        signed_in(scene) as browser,
        in_the_room(browser, f"/live/{live.state.id}/listen", room),
    ):
        listens.set()
        await ears.until(live.state.agent, "Today is Monday.")
        assert "What day is it?" in ears.of(live.state.far_end)
        assert live.far_end
        assert [*live.far_end.room.remote_participants] == [live.far_end.identity]
        record = await scene.over(call)
    heard_once(call, "This is the desk. What can I do for you?")
    heard_once(call, "Today is Monday.")
    assert [heard.text for heard in call.heard] == [
        "This is the desk.",
        "What can I do for you?",
        "Today is Monday.",
    ]
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")
    assert record.reason == "the caller hung up"


async def test_what_is_off_the_record_is_not_heard(scene: MemoryScene) -> None:
    listens = asyncio.Event()

    async def pays(line: Line) -> None:
        await line.heard("this is the payer")
        await listens.wait()
        await line.wait(1)
        await asks_to_pay_at_once(line)
        await line.wait(2)  # somebody who comes meanwhile is not let in, and hears nothing either
        await tells_the_card(line)
        await line.wait(3)
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("payer", pays)
    live = await greeted(scene, call)
    ears, late = Ears(room := rtc.Room()), Ears(late_room := rtc.Room())
    path = f"/live/{live.state.id}/listen"
    async with signed_in(scene) as browser, in_the_room(browser, path, room):
        kept = (await browser.post(path)).json()
        listens.set()
        await ears.until(live.state.far_end, "I would like to pay.")
        async with asyncio.timeout(20):
            while not live.off_record:
                await asyncio.sleep(0.1)  # the call itself waits for the event, and clears it
        answer = await browser.post(path)
        assert (answer.status_code, "off the record" in answer.json()["fault"]) == (409, True)
        await late_room.connect(kept["url"], kept["token"])
        await ears.until(live.state.agent, "Today is Monday.")
        record = await scene.over(call)
    for each in (ears, late):
        assert CARD not in each.of(live.state.far_end)
        assert "violet" not in each.of(live.state.far_end)
        assert "What day is it?" in each.of(live.state.far_end)
    assert record.outcome is Outcome.COMPLETED


async def asks_to_pay_at_once(line: Line) -> None:
    """Say so to a payer who has greeted already."""
    await line.say("I would like to pay.")
    await line.heard("tell me the number of your card")


async def test_a_call_with_a_listener_is_hung_up_like_any_other(scene: MemoryScene) -> None:
    call = await scene.ring("desk", Line.stay)
    live = await greeted(scene, call)
    async with (
        signed_in(scene) as browser,
        in_the_room(browser, f"/live/{live.state.id}/listen") as room,
    ):
        await hang_up(scene, call.room)
        record = await scene.over(call)
        assert not room.isconnected()
    require_cancelled(record)
