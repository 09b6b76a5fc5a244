"""The console in a real browser: Chromium, by Playwright (`pip install -e '.[browser]'`)."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import soundfile
from console_client import NOW, TOKEN, Browser, a_browser, a_record
from deployment import Deployment

from host.dispatch.campaigns import Attempt, Campaign, Row, Step, open_campaigns
from host.records.outcome import Outcome
from host.records.record import Utterance
from host.server.console.recordings import length_of
from host.server.console.server import answering_console
from host.server.events import Changes

playwright = pytest.importorskip("playwright.async_api", reason="needs Playwright")
axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="needs axe")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(400),  # axe looks at eight pages: 20 s on an idle machine
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]

PAGES = {
    "/live": "Live calls",
    "/live/AJ_live": "ann",
    "/calls": "Calls",
    "/calls/AJ_000001": "ann",
    "/campaigns": "Campaigns",
    "/campaigns/new": "Start a campaign",
    "/campaigns/c0ffee": "patients.csv",
    "/personas": "Personas",
    "/personas/ann/talk": "Talk to ann",
    "/gate": "Gate",
    "/figures": "Figures",
}
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"
LIMIT = 60_000
"""Milliseconds that anything awaited here may take."""


@pytest.fixture
async def host(deployment: Deployment) -> AsyncIterator[Browser]:
    """A host with a persona, a recorded call and a live one."""
    deployment.persona("ann")
    async with a_browser(deployment) as host:
        file = host.settings.recordings_dir / "one.ogg"
        file.parent.mkdir()
        sound = np.random.default_rng(1).uniform(-0.5, 0.5, (24000 * 20, 2))
        soundfile.write(file, sound, 24000, format="OGG", subtype="OPUS")
        assert length_of(file) == pytest.approx(20.0, abs=0.1)
        host.write(a_record(recording=str(file)), *(a_record(nth) for nth in range(2, 90)))
        host.live("AJ_live", answered_at=NOW, transcript=[said("Good morning.", "persona")])
        rows = [Row(line=line, number=f"+1555222{line:04}", due_at=NOW) for line in range(2, 40)]
        call = Attempt(number=1, host="me", begun_at=NOW, call="AJ_000001", outcome=Outcome.BUSY)
        rows.append(
            Row(line=40, number="+15552229999", reference="L-17", step=Step.DONE, attempts=[call])
        )
        campaign = Campaign(id="c0ffee", name="patients.csv", persona="ann", made_at=NOW)
        open_campaigns(host.settings).add(campaign, rows)
        yield host


@pytest.fixture
def changes() -> Changes:
    """What its calls tell."""
    return Changes()


@pytest.fixture
async def address(
    host: Browser, changes: Changes, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[str]:
    """The address of its console."""
    caplog.set_level(logging.INFO, logger="host")
    async with answering_console(host.settings, host.console.loaded, changes=changes):
        found = re.search(r"the console at (http://[\d.:]+)", caplog.text)
        assert found
        yield found[1]


@pytest.fixture
async def chromium() -> AsyncIterator[Any]:
    """Chromium, without a window."""
    async with playwright.async_playwright() as started:
        running = await started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        await running.close()


def said(text: str, who: Any = "caller") -> Utterance:
    return Utterance(at=NOW + timedelta(seconds=1), who=who, text=text)


async def signed_in(chromium: Any, address: str, **more: Any) -> tuple[Any, list[str]]:
    """Return a page after the login by keyboard, and what goes wrong in it."""
    page = await (await chromium.new_context(**more)).new_page()
    page.set_default_timeout(LIMIT)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(f"a dialog: {dialog.message}"))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    await page.goto(address)
    await page.wait_for_selector("#token:focus")
    await page.keyboard.type(TOKEN)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/live")
    return page, wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
async def test_each_page_fits_and_passes_axe(
    scheme: str, width: int, chromium: Any, address: str
) -> None:
    view = {"viewport": {"width": width, "height": 740}, "color_scheme": scheme}
    page, wrong = await signed_in(chromium, address, **view)
    for path, title in PAGES.items():
        await page.goto(address + path)
        assert title in await page.inner_text("h1")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert wrong == []
        found = (await axe.Axe().run(page)).response["violations"]
        assert [(path, each["id"], each["nodes"][0]["html"]) for each in found] == []
        wrong.clear()  # axe itself may write styles, which the policy forbids


async def test_the_pages_are_reached_by_keyboard(chromium: Any, address: str) -> None:
    page, _ = await signed_in(chromium, address)
    await page.goto(f"{address}/calls")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Skip to the content"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.id") == "words"
    await page.keyboard.type("appointment")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/calls?*words=appointment*")
    assert "89 calls" in await page.inner_text("main")


async def test_what_is_said_appears_while_the_page_is_open(
    chromium: Any, address: str, host: Browser, changes: Changes
) -> None:
    page, wrong = await signed_in(chromium, address)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(address)))
    async with page.expect_response("**/live/AJ_live/now"):  # as soon as it has loaded
        await page.click("text=ann")
    await page.wait_for_selector("text=Good morning.")
    lines = [said("Good morning.", "persona"), said("Is the doctor in?")]
    host.live("AJ_live", answered_at=NOW, transcript=lines)
    changes.tell("AJ_live")
    await page.wait_for_selector("text=Is the doctor in?")
    talk = int(await page.get_attribute("[data-seconds]", "data-seconds"))
    await page.wait_for_selector(f"[data-seconds='{talk + 2}']")
    assert await page.is_hidden("#unconnected")
    assert asked.count("/live/AJ_live/now") == 2  # it asks for nothing between two changes
    (host.settings.state_dir / "unfinished" / "AJ_live.json").unlink()
    host.write(a_record(0, id="AJ_live"))
    changes.tell("AJ_live")
    await page.wait_for_url("**/calls/AJ_live")
    assert wrong == []


async def test_a_page_of_live_calls_says_that_it_is_old_and_follows_the_next_host(
    chromium: Any, host: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="host")
    async with answering_console(host.settings, host.console.loaded):
        found = re.search(r"the console at (http://[\d.:]+)", caplog.text)
        assert found
        page, _ = await signed_in(chromium, found[1])
        async with page.expect_response("**/live/list"):
            await page.reload()
        assert await page.is_hidden("#unconnected")
    await page.wait_for_selector("#unconnected:not([hidden])")
    port = int(found[1].rpartition(":")[2])
    settings = host.settings.model_copy(update={"console_port": port})
    async with answering_console(settings, host.console.loaded):
        await page.wait_for_url("**/login*")  # the session ended with its host


async def test_a_campaign_is_started_looked_at_and_stopped(
    chromium: Any, address: str, host: Browser
) -> None:
    page, wrong = await signed_in(chromium, address)
    await page.click("text=Campaigns")
    await page.click("text=Start a campaign")
    name = f"{EVIL}.csv"
    for text in ("number\n911\n", "number\n+15552220001\n"):
        file = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
        await page.set_input_files("#file", file)
        await page.click("button:has-text('Start')")
        if "911" in text:
            await page.wait_for_selector("text=line 2: its number is not in E.164")
    await page.wait_for_selector("text=Rows that are")
    assert EVIL.split("/")[-1] in await page.inner_text("h1")
    assert await page.query_selector("main script, main img") is None
    await page.click("summary:has-text('Stop')")
    await page.click("text=Stop it for good")
    await page.wait_for_selector(".status:has-text('stopped')")
    statuses = {each.name: each.status for each in open_campaigns(host.settings).all()}
    assert sorted(statuses.values()) == ["running", "stopped"]
    assert [each for each in wrong if "422" not in each] == []  # the page with the fault


async def test_a_line_of_the_transcript_plays_the_recording_from_there(
    chromium: Any, address: str
) -> None:
    page, wrong = await signed_in(chromium, address)
    await page.goto(f"{address}/calls/AJ_000001")
    await page.wait_for_selector("#wave[data-ready]")
    assert "0:00 / 0:20" in await page.inner_text("#position")
    await page.click("button:has-text('Thursday at ten is free.')")  # 6.2 s after the answer
    await page.wait_for_function("document.querySelector('#play').textContent === 'Pause'")
    await page.wait_for_function(
        "/^0:0[6-9]/.test(document.querySelector('#position').textContent)"
    )
    now = await page.inner_text("[data-now]")
    assert now == "Thursday at ten is free."
    assert wrong == []


async def test_nothing_runs_that_a_caller_has_written(
    chromium: Any, address: str, host: Browser
) -> None:
    evil = a_record(0, id="AJ_evil", number=EVIL, reason=EVIL, transcript=[said(EVIL)])
    host.write(evil)
    host.live("AJ_worse", number=EVIL, answered_at=NOW, transcript=[said(EVIL)])
    page, wrong = await signed_in(chromium, address)
    for path in ("/calls", "/calls/AJ_evil", "/live", "/live/AJ_worse", f"/calls?words={EVIL}"):
        await page.goto(address + path)
        assert await page.query_selector("main script, main img") is None
    await page.wait_for_selector("h1")
    assert wrong == []
