"""The console sees a call while it goes on, hangs it up, and shows it when it is over."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from console_client import TOKEN, Browser, a_browser_at
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


@pytest.mark.usefixtures("threads_that_the_clock_waits_for")
async def test_a_live_call_is_followed_and_hung_up_in_the_console(scene: Scene) -> None:
    then = Then()
    call = await scene.ring("desk", then.after(asks))
    await then.there.wait()
    settings = scene.settings.model_copy(update={"console_token": SecretStr(TOKEN)})
    async with a_browser_at(settings) as browser:
        await browser.sign_in()
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
