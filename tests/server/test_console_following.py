"""Pages of live calls are told when to look again, as long as there is somebody to tell."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest
from console_client import NOW, TOKEN, Browser, a_browser, console_on_a_port
from deployment import Deployment

from host.server.console import following, sessions
from host.server.console.following import CHANGED, STREAMS, STREAMS_OF_ONE
from host.server.events import Changes
from host.settings import load_settings


@pytest.fixture
async def browser(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Browser]:
    """Somebody who has signed in; changes are told as soon as they come."""
    monkeypatch.setattr(following, "LIST_EVERY", 0.0)
    monkeypatch.setattr(following, "CALL_EVERY", 0.0)
    deployment.persona("ann")
    async with a_browser(deployment) as browser:
        await browser.sign_in()
        yield browser


@pytest.mark.parametrize("path", ["/live/events", "/live/AJ_1/events"])
async def test_a_page_looks_at_once_and_again_after_each_change(
    path: str, browser: Browser
) -> None:
    async with browser.following(path) as stream:
        assert (stream.status, stream.headers["content-type"][:17]) == (200, "text/event-stream")
        assert await stream.piece() == b"retry: 2000\n\n"
        assert await stream.piece() == CHANGED
        for _ in range(3):
            assert stream.waiting == 0
            browser.console.changes.tell("AJ_1")
            assert await stream.piece() == CHANGED


async def test_what_changes_in_another_call_is_no_business_of_a_calls_page(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        browser.following("/live/AJ_1/events") as one,
        browser.following("/live/AJ_2/events") as other,
    ):
        for stream in (one, other):
            assert [await stream.piece() for _ in range(2)][1] == CHANGED
        browser.console.changes.tell("AJ_1")
        assert await one.piece() == CHANGED
        assert other.waiting == 0


async def test_many_changes_at_once_are_one(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LIST_EVERY", 0.2)
    async with browser.following("/live/events") as stream:
        assert [await stream.piece() for _ in range(2)][1] == CHANGED
        for nth in range(50):
            browser.console.changes.tell(f"AJ_{nth}")
        assert await stream.piece() == CHANGED
        assert stream.waiting == 0


async def test_a_page_looks_now_and_then_also_without_a_change(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "BEAT", 0.05)
    async with browser.following("/live/events") as stream:
        assert [await stream.piece() for _ in range(3)][1:] == [CHANGED] * 2


async def test_a_list_that_has_just_been_read_is_read_again_after_a_change(
    browser: Browser,
) -> None:
    browser.live("AJ_1", answered_at=NOW)
    assert "1 call<" in await browser.page("/live/list")
    browser.live("AJ_2", answered_at=NOW)
    browser.console.changes.tell("AJ_2")
    assert "2 calls<" in await browser.page("/live/list")


# Its end


async def test_signing_out_ends_what_the_session_follows_and_no_others(browser: Browser) -> None:
    async with browser.following("/live/events") as first:
        before = dict(browser.http.cookies)
        await browser.sign_in()
        async with browser.following("/live/events") as second:
            await second.piece()
            await browser.post("/logout")
            assert await second.rest() in ([], [CHANGED])
            browser.http.cookies.update(before)
            assert [await first.piece() for _ in range(3)][2] == CHANGED


async def test_so_does_its_expiry(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    async with browser.following("/live/events") as stream:
        assert [await stream.piece() for _ in range(2)][1] == CHANGED
        later = time.time() + sessions.LASTS + 1
        monkeypatch.setattr("host.server.console.sessions.time.time", lambda: later)
        browser.console.changes.tell()
        assert await stream.rest() == []


async def test_who_leaves_is_told_nothing_any_more(browser: Browser) -> None:
    changes = browser.console.changes
    async with browser.following("/live/events"):
        assert changes.count() == 1
    assert changes.count() == 0


async def test_one_person_follows_so_many_pages_that_others_still_load(browser: Browser) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(STREAMS_OF_ONE):
            one = await stack.enter_async_context(browser.following("/live/events"))
            assert one.status == 200
        answer = await browser.get("/live/AJ_1/events")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        assert answer.text == "too many pages of live calls are open: close one"
        assert await browser.page("/live")
    async with browser.following("/live/events") as again:
        assert again.status == 200


async def test_all_people_together_follow_no_more_than_there_are_connections_for(
    browser: Browser,
) -> None:
    async with AsyncExitStack() as stack:
        for nth in range(STREAMS):
            if nth % STREAMS_OF_ONE == 0:
                await browser.sign_in()
            await stack.enter_async_context(browser.following("/live/events"))
        await browser.sign_in()
        assert (await browser.get("/live/events")).status_code == 503


async def test_asking_for_the_head_alone_follows_nothing(browser: Browser) -> None:
    answer = await browser.http.head("/live/events")
    assert (answer.status_code, answer.content) == (200, b"")
    assert browser.console.changes.count() == 0


async def test_a_host_that_stops_does_not_wait_for_who_follows(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.persona("ann")
    deployment.write("host.toml", f'console_port = 0\nconsole_token = "{TOKEN}"\n')
    settings, changes = load_settings(), Changes()
    jar = aiohttp.CookieJar(unsafe=True)  # also for an address without a name
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        async with console_on_a_port(settings, caplog, changes=changes) as address:
            await http.post(f"{address}/login", data={"token": TOKEN})
            answer = await http.get(f"{address}/live/events")
            assert await answer.content.readuntil(CHANGED)
            begun = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - begun < 1.5  # it would be cut off after 2 s
        assert await answer.content.read() == b""
