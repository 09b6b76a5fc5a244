"""Calls in which a person takes part by the console, in Chromium with a microphone of its own.

It needs what tests/server/test_console_browser.py needs: Chromium, and Playwright. With the folder
SCREENSHOTS in the environment, it leaves pictures of the pages there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import shutil
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from console_client import TOKEN
from pydantic import SecretStr

from host import registry
from host.local.phone import Line, PersonScript, PhoneCall
from host.local.speech import synthesize
from host.records.outcome import Outcome
from host.server.console.server import answering_console
from host.testing import Scene, heard, not_heard

playwright = pytest.importorskip("playwright.async_api", reason="needs Playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.whole("a browser has sound of its own"),
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]

LIMIT = 120_000
"""Milliseconds that anything awaited in a page may take."""
RATE = 48000
PERIOD = 12.0
"""Seconds after which the microphone says the same again."""
QUESTION = "What day is it?"
INTRUDES = "The violins are in the garden."
FAKE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
LOUDEST = """async () => {
  const context = new AudioContext();
  const ears = [...document.querySelectorAll("#sounds audio")].map((each) => {
    const ear = context.createAnalyser();
    context.createMediaStreamSource(each.srcObject).connect(ear);
    return ear;
  });
  let loudest = 0;
  for (let look = 0; look < 400; look++) {
    await new Promise((done) => setTimeout(done, 50));
    for (const ear of ears) {
      const samples = new Float32Array(ear.fftSize);
      ear.getFloatTimeDomainData(samples);
      loudest = Math.max(loudest, ...samples.map(Math.abs));
    }
    if (loudest > 0.05) break;
  }
  await context.close();
  return loudest;
}"""
"""The loudest sample that the page plays in 20 s."""


@dataclass
class Visitor:
    """A browser at the console, signed in, with a microphone."""

    page: Any
    address: str
    wrong: list[str] = field(default_factory=list)
    """What has gone wrong in it."""

    async def sees(self, text: str, within: str = "main") -> None:
        """Wait until a part of the page shows a text."""
        shown = self.page.locator(within, has_text=re.compile(re.escape(text), re.IGNORECASE))
        await shown.first.wait_for()

    async def show(self, name: str) -> None:
        """Leave a picture of the page, if there is a folder for it."""
        if folder := os.environ.get("SCREENSHOTS"):
            await self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    async def hears_something(self) -> None:
        """Assert that the page plays sound."""
        assert await self.page.evaluate(LOUDEST) > 0.05


@asynccontextmanager
async def a_visitor(
    scene: Scene, address: str, says: str | None = QUESTION, *, allowed: bool = True
) -> AsyncIterator[Visitor]:
    """Open a browser whose microphone says a text again and again; None: it is silent."""
    file = scene.folder / "microphone.wav"
    _write(file, says)
    args = ["--no-sandbox", *FAKE[: 1 + allowed], f"--use-file-for-fake-audio-capture={file}"]
    if not allowed:
        args.append("--deny-permission-prompts")
    async with playwright.async_playwright() as started:
        running = await started.chromium.launch(executable_path=CHROMIUM, args=args)
        view = {"width": 960, "height": 600}
        page = await (await running.new_context(viewport=view)).new_page()
        page.set_default_timeout(LIMIT)
        visitor = Visitor(page, address)
        page.on("pageerror", lambda error: visitor.wrong.append(str(error)))
        page.on("console", lambda told: _note(visitor, told))
        await page.goto(address)
        await page.fill("#token", TOKEN)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/live")
        yield visitor
        await running.close()


async def answered(scene: Scene, script: PersonScript) -> PhoneCall:
    """Ring the desk until it answers.

    Beside a browser that starts, a machine may be too busy to start a call's process in time.
    """
    for _ in range(5):
        call = await scene.ring("desk", script)
        with contextlib.suppress(Exception):
            await call.answered(40)
            return call
    raise TimeoutError("the desk has not answered")


def _note(visitor: Visitor, told: Any) -> None:
    if told.type == "error":
        visitor.wrong.append(told.text)


def _write(file: Path, says: str | None) -> None:
    """Write a WAV of one period: silence, and the words in the middle of it."""
    samples = np.zeros(round(PERIOD * RATE), np.int16)
    if says is not None:
        words = synthesize(says, RATE)
        samples[RATE * 6 : RATE * 6 + words.size] = words
    with wave.open(str(file), "wb") as opened:
        opened.setparams((1, 2, RATE, 0, "NONE", "NONE"))
        opened.writeframes(samples.tobytes())


@pytest_asyncio.fixture(loop_scope="session")
async def console(
    scene: Scene, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[str]:
    """The address of the console of the scene's host; with a parameter, of another agent name."""
    caplog.set_level(logging.INFO, logger="host")
    agent = getattr(request, "param", scene.settings.agent_name)
    given = {"console_port": 0, "console_token": SecretStr(TOKEN), "agent_name": agent}
    settings = scene.settings.model_copy(update=given)
    async with answering_console(settings, registry.load(settings)):
        found = re.search(r"the console at (http://[\d.:]+)", caplog.text)
        assert found
        yield found[1]


async def test_a_browser_talks_with_a_persona_and_both_are_heard(
    scene: Scene, console: str
) -> None:
    scene.world.callers.add(QUESTION)
    async with a_visitor(scene, console) as visitor:
        page = visitor.page
        await page.goto(f"{console}/personas/desk/talk")
        await page.click("button:has-text('Call')")
        await visitor.sees("Connected.", "#state")
        await visitor.sees("This is the desk.", "#now")
        await visitor.sees("what day is it", "#now .caller")
        await asyncio.gather(
            visitor.hears_something(), visitor.sees("Today is Monday.", "#now .persona")
        )
        await page.click("[data-key='7']")
        await visitor.sees("presses 7", "#now")
        await visitor.show("talk")
        await page.click("#hang-up")
        await page.wait_for_url("**/calls/AJ_*")
        id = page.url.rsplit("/", 1)[1]
        assert visitor.wrong == []
    (record,) = [each for each in _records(scene) if each["id"] == id]
    assert (record["persona"], record["direction"]) == ("desk", "inbound")
    assert (record["reference"], record["number"]) == ("console", None)
    assert (record["outcome"], record["ended_by"]) == (Outcome.COMPLETED, "far end")


def _records(scene: Scene) -> list[dict[str, Any]]:
    lines = (scene.folder / "calls.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


async def test_a_microphone_that_is_denied_is_said_in_a_line(scene: Scene, console: str) -> None:
    async with a_visitor(scene, console, None, allowed=False) as visitor:
        await visitor.page.goto(f"{console}/personas/desk/talk")
        await visitor.page.click("button:has-text('Call')")
        await visitor.sees("The browser does not allow the microphone", "#fault")
        assert await visitor.page.is_visible("button:has-text('Call')")


@pytest.mark.parametrize("console", ["nobody"], indirect=True)
async def test_a_call_that_no_host_takes_is_said_in_a_line(scene: Scene, console: str) -> None:
    async with a_visitor(scene, console, None) as visitor:
        await visitor.page.goto(f"{console}/personas/desk/talk")
        await visitor.page.click("button:has-text('Call')")
        await visitor.sees("No host took the call", "#fault")
        assert await visitor.page.is_visible("button:has-text('Call')")
        assert visitor.wrong == []


async def test_listening_in_is_heard_by_the_listener_and_by_nobody_else(
    scene: Scene, console: str
) -> None:
    listens, heard = asyncio.Event(), asyncio.Event()

    async def asks(line: Line) -> None:
        await listens.wait()
        await line.say(QUESTION)
        await heard.wait()
        await line.hang_up()

    async with a_visitor(scene, console, INTRUDES) as visitor:
        call = await answered(scene, asks)
        await visitor.page.click("text=desk")
        await visitor.sees("This is the desk.", "#now")
        await visitor.page.click("#listen")
        await visitor.sees("You hear both sides.", "#line-state")
        hearing = asyncio.create_task(visitor.hears_something())
        listens.set()
        await hearing
        await visitor.sees("Today is Monday.", "#now")
        await visitor.show("listen")
        await asyncio.sleep(PERIOD)  # in which the microphone would be heard
        heard.set()
        record = await scene.over(call)
        await visitor.page.wait_for_url("**/calls/AJ_*")
        assert visitor.wrong == []
    not_heard(call, INTRUDES)
    assert {line.who for line in record.transcript} == {"persona", "caller"}
    assert sum(line.who == "caller" for line in record.transcript) == 1
    assert (record.outcome, record.reason) == (Outcome.COMPLETED, "the caller hung up")


async def test_an_operator_takes_a_call_over_is_heard_and_hands_it_back(
    scene: Scene, console: str
) -> None:
    hands_back = asyncio.Event()

    async def listens(line: Line) -> None:
        await hands_back.wait()
        await line.wait(2)
        await line.say(QUESTION)
        await line.stay()

    scene.world.callers.add(INTRUDES)
    scene.world.agents.add(INTRUDES)
    async with a_visitor(scene, console, INTRUDES) as visitor:
        page = visitor.page
        call = await answered(scene, listens)
        await page.click("text=desk")
        await visitor.sees("This is the desk.", "#now")
        await page.click("#take-over")
        await visitor.sees("You talk with the far end. The persona is silent.", "#line-state")
        await visitor.sees("takes the call over", "#now")
        await visitor.sees("violins are in the garden", "#now .operator")
        await visitor.show("takeover")
        await page.click("#take-over")
        await visitor.sees("You do not hear the call.", "#line-state")
        await visitor.sees("hands it back", "#now")
        hands_back.set()
        await visitor.sees("Today is Monday.", "#now .persona")
        await call.hang_up()
        record = await scene.over(call)
        assert visitor.wrong == []
    assert heard(call, INTRUDES)
    assert [talk.ended for talk in record.operators] == ["handed back"]
    assert (record.outcome, record.reason) == (Outcome.COMPLETED, "the caller hung up")
