"""The console's pages of live calls: what is going on, what is said, hanging up."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from console_client import NOW, NUMBER, TOKEN, Browser, a_browser, a_record
from deployment import Deployment

from host.base.errors import HostError
from host.call.state import CallStatus
from host.dispatch import hangup
from host.records.record import ToolUse, Utterance
from host.server.console import context


@pytest.fixture
async def browser(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Browser]:
    """Somebody who has signed in to a host with a persona; each request reads the calls anew."""
    monkeypatch.setattr(context, "FRESH", -1.0)
    deployment.persona("ann")
    toml = (
        'livekit_url = "ws://127.0.0.1:9"\nlivekit_api_key = "key"\n'
        f'livekit_api_secret = "{TOKEN}"\n'
        "[personas.mum]\nrecord_transcripts = false\n[personas.bob]\nrecord_numbers = true\n"
    )
    async with a_browser(deployment, toml) as browser:
        await browser.sign_in()
        yield browser


def said(text: str, who: Any = "caller") -> Utterance:
    return Utterance(at=NOW, who=who, text=text)


async def test_live_calls_are_listed_newest_first_with_their_status(browser: Browser) -> None:
    assert "No calls are live on this host." in await browser.page("/live")
    ringing: dict[str, Any] = {"outbound": True, "dialled_at": NOW, "status": CallStatus.RINGING}
    browser.live("AJ_old", dispatched_at=NOW - timedelta(minutes=2), answered_at=NOW)
    browser.live("AJ_new", dispatched_at=NOW, persona="bob", **ringing)
    page = await browser.page("/live/list")
    assert re.findall(r'href="/live/(\w+)"', page) == ["AJ_new", "AJ_old"]
    assert re.findall(r'class="status \w+">(\w+)', page) == ["ringing", "active"]
    assert page.count(NUMBER) == 1  # only bob's records have numbers
    assert "2 calls" in page


async def test_a_transcript_grows_while_it_is_spoken(browser: Browser) -> None:
    lines = [said("Good morning.", "persona")]
    browser.live("AJ_1", answered_at=NOW, transcript=lines)
    page = await browser.page("/live/AJ_1")
    assert ("Good morning." in page, "Is Ann there?" in page) == (True, False)
    browser.live("AJ_1", answered_at=NOW, transcript=[*lines, said("Is Ann there?")])
    assert "Is Ann there?" in await browser.page("/live/AJ_1/now")


async def test_tools_a_hold_and_keys_are_shown_as_they_happen(browser: Browser) -> None:
    tool = ToolUse(at=NOW, name="book", arguments='{"day": "Monday"}', result="done", failed=False)
    browser.live("AJ_1", answered_at=NOW, tools=[tool], on_hold_since=NOW)
    page = await browser.page("/live/AJ_1/now")
    assert "book({&#34;day&#34;: &#34;Monday&#34;}) -&gt; done" in page
    assert "on hold" in page


async def test_a_live_call_is_as_private_as_its_record(browser: Browser) -> None:
    words = [said(f"I am {NUMBER}, the code is 4711, violet.")]
    browser.live("AJ_ann", answered_at=NOW, transcript=words)
    browser.live("AJ_mum", answered_at=NOW, persona="mum", transcript=words)
    page = await browser.page("/live/AJ_ann/now")
    assert ("violet" in page, "2220001" in page, "4711" in page) == (True, False, False)
    page = await browser.page("/live/AJ_mum/now")
    assert ("violet" in page, "record_transcripts" in page) == (False, True)


async def test_and_as_private_as_those_need_who_may_still_get_it(browser: Browser) -> None:
    words = [said("The word is violet.")]
    browser.live("AJ_bob", answered_at=NOW, persona="bob", transcript=words)
    assert NUMBER in await browser.page("/live")
    personas = dict(browser.settings.personas)
    personas["bob"] = personas["bob"].model_copy(update={"hands_over_to": ("mum",)})
    settings = browser.settings.model_copy(update={"personas": personas})
    browser.console.use(settings, browser.console.loaded)
    for path in ("/live", "/live/AJ_bob", "/live/AJ_bob/now"):
        page = await browser.page(path)
        assert ("2220001" in page, "violet" in page) == (False, False)


async def test_a_call_that_ends_leads_to_its_record(browser: Browser) -> None:
    browser.live("AJ_000001", answered_at=NOW)
    assert (await browser.get("/calls/AJ_000001")).headers["location"] == "/live/AJ_000001"
    (browser.settings.state_dir / "unfinished" / "AJ_000001.json").unlink()
    assert "Its record is being written." in await browser.page("/live/AJ_000001/now")
    browser.write(a_record(1))
    answer = await browser.get("/live/AJ_000001/now")
    assert answer.headers["hx-redirect"] == "/calls/AJ_000001"
    assert (await browser.get("/live/AJ_000001")).headers["location"] == "/calls/AJ_000001"


@pytest.mark.parametrize("id", ["AJ_nothing", "..%2f..%2fstate", "a" * 200])
async def test_what_is_no_live_call_is_not_found(id: str, browser: Browser) -> None:
    answer = await browser.get(f"/live/{id}")
    assert answer.status_code == 404


# Hanging up


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch, browser: Browser) -> list[tuple[Any, ...]]:
    """What LiveKit is asked for: rooms, the words, and the calls."""
    given: list[tuple[Any, ...]] = []

    async def hang_up(
        livekit: Any, settings: Any, room: str, way: str, goodbye: str, *, call: str
    ) -> None:
        if goodbye == "fail":
            raise HostError(f"the call in room {room} does not respond")
        given.append((room, way, goodbye, call))

    monkeypatch.setattr(hangup, "hang_up", hang_up)
    return given


async def test_a_call_is_hung_up_at_once(browser: Browser, orders: list[tuple[Any, ...]]) -> None:
    browser.live("AJ_1", answered_at=NOW, room=f"call-_{NUMBER}_x")
    answer = await browser.post("/live/AJ_1/hangup")
    assert (answer.status_code, answer.headers["location"]) == (303, "/live")
    assert orders == [(f"call-_{NUMBER}_x", "in the console", "", "AJ_1")]


async def test_or_after_a_goodbye_while_its_page_stays(
    browser: Browser, orders: list[tuple[Any, ...]]
) -> None:
    browser.live("AJ_1", answered_at=NOW)
    answer = await browser.post("/live/AJ_1/hangup", goodbye="  We close now.\r\nGoodbye. ")
    assert answer.headers["location"] == "/live/AJ_1"
    assert orders[0][2] == "We close now. Goodbye."


async def test_a_call_that_is_over_already_needs_no_order(
    browser: Browser, orders: list[tuple[Any, ...]]
) -> None:
    assert (await browser.post("/live/AJ_1/hangup")).status_code == 303
    assert orders == []


async def test_a_call_that_does_not_respond_is_said_in_a_line(
    browser: Browser, orders: list[tuple[Any, ...]]
) -> None:
    browser.live("AJ_1", answered_at=NOW)
    answer = await browser.post("/live/AJ_1/hangup", goodbye="fail")
    assert (answer.status_code, "does not respond" in answer.text) == (503, True)
    answer = await browser.post("/live/AJ_1/hangup", goodbye="x" * 501)
    assert (answer.status_code, "longer than 500" in answer.text) == (422, True)
