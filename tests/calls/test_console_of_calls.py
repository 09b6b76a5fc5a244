"""The console sees a call while it goes on, hangs it up, and shows it when it is over."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from console_client import TOKEN, Browser, a_browser_at
from livekit import rtc
from pydantic import SecretStr
from test_hangup import Then

from host.local.phone import Line
from host.records.outcome import Outcome
from host.testing import Scene, heard_once

LIMIT = 20.0
"""Seconds that the console may take to show what has been heard: a second, on a slow machine."""


@pytest.fixture
def threads_that_the_clock_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starlette answers in threads of anyio, of which the clock in memory knows nothing."""

    async def run_sync(work: Callable[[], Any]) -> Any:
        return await asyncio.to_thread(work)

    monkeypatch.setattr("anyio.to_thread.run_sync", run_sync)


async def until(browser: Browser, path: str, text: str) -> str:
    """Ask for a part of a page every second, as its script does, until it has a text."""
    async with asyncio.timeout(LIMIT):
        while text not in (page := await browser.page(path)):
            await asyncio.sleep(1)
        return page


async def asks(line: Line) -> None:
    await line.heard("what can I do for you")
    await line.say("What day is it?")
    await line.heard("today is monday")


@contextlib.asynccontextmanager
async def signed_in(scene: Scene) -> AsyncIterator[Browser]:
    """Have somebody at the console of the scene's host."""
    settings = scene.settings.model_copy(update={"console_token": SecretStr(TOKEN)})
    async with a_browser_at(settings) as browser:
        await browser.sign_in()
        yield browser


@contextlib.asynccontextmanager
async def in_the_room(browser: Browser, path: str, **form: str) -> AsyncIterator[rtc.Room]:
    """Join a room as the script of a page does, with the ticket of a form."""
    answer = await browser.post(path, **form)
    assert answer.status_code == 200, answer.text
    told, room = answer.json(), rtc.Room()
    await room.connect(told["url"], told["token"])
    try:
        yield room
    finally:
        await room.disconnect()


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


async def publish_silence(room: rtc.Room) -> None:
    """Publish a microphone into which nobody speaks."""
    track = rtc.LocalAudioTrack.create_audio_track("microphone", rtc.AudioSource(48000, 1))
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(track, options)


async def agent_in(room: rtc.Room) -> str:
    """Wait until a call's agent is in a room; return the call's ID."""
    came = asyncio.Event()
    room.on("participant_connected", lambda who: came.set())
    async with asyncio.timeout(LIMIT):
        while True:
            for who in room.remote_participants.values():
                if id := who.attributes.get("host.call"):
                    return id
            came.clear()
            await came.wait()
