"""The console sees a call while it goes on, hangs it up, and shows it when it is over."""

from __future__ import annotations

import re

import pytest
from at_the_console import agent_in, in_the_room, publish_silence, signed_in, until
from test_hangup import Then

from host.local.phone import Line
from host.records.outcome import Outcome
from host.testing import Scene, heard_once


async def asks(line: Line) -> None:
    await line.heard("what can I do for you")
    await line.say("What day is it?")
    await line.heard("today is monday")


@pytest.mark.usefixtures("threads_that_the_clock_waits_for")
async def test_a_live_call_is_followed_and_hung_up_in_the_console(scene: Scene) -> None:
    then = Then()
    call = await scene.ring("desk", then.after(asks))
    await then.there.wait()
    async with signed_in(scene) as browser:
        found = re.search(r'href="/live/(AJ_\w+)"', await browser.page("/live"))
        assert found
        id = found[1]
        page = await until(browser, f"/live/{id}/now", "Today is Monday.")
        assert "day is it" in page.lower()
        goodbye = "We close now. Goodbye."
        scene.world.agents.add(goodbye)
        answer = await browser.post(f"/live/{id}/hangup", goodbye=goodbye)
        assert answer.headers["location"] == f"/live/{id}"
        record = await scene.over(call)
        heard_once(call, goodbye)
        assert (record.outcome, record.ended_by) == (Outcome.CANCELLED, "operator")
        assert record.reason == "an operator ended the call in the console"
        page = await browser.page(f"/calls/{id}")
        assert "Today is Monday." in page
        assert record.reason in page
        assert id in await browser.page("/calls", words="monday")


@pytest.mark.usefixtures("threads_that_the_clock_waits_for")
@pytest.mark.memory("test_console_talk_browser.py talks in a real browser")
async def test_a_person_at_the_console_calls_a_persona_like_any_caller(scene: Scene) -> None:
    async with signed_in(scene) as browser:
        async with in_the_room(browser, "/personas/desk/talk") as room:
            await publish_silence(room)
            name, id = room.name, await agent_in(room)
            await until(browser, f"/live/{id}/now", "This is the desk.")
            await room.local_participant.publish_dtmf(code=5, digit="5")
            await until(browser, f"/live/{id}/now", "presses 5")
        record = await scene.record(name)
        assert f'href="/calls/{record.id}"' in await browser.page("/calls", number="console")
    assert (record.id, record.persona, record.direction) == (id, "desk", "inbound")
    assert (record.reference, record.number, record.our_number) == ("console", None, None)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")
    assert [key.digit for key in record.keys] == ["5"]
