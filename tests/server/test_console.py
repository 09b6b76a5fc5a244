"""The console lets nobody in without its token, and shows nothing that could act for others."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from console_client import NOW, NUMBER, TOKEN, Browser, a_browser, a_record
from deployment import Deployment

from host.base.errors import SettingsError
from host.call.state import CallStatus
from host.dispatch.campaigns import Attempt, Campaign, Row, Step, open_campaigns
from host.records.outcome import Outcome
from host.records.record import Utterance
from host.server.api.token import require_tokens
from host.server.console import guard, sessions
from host.server.console.app import paths
from host.server.console.login import own_path
from host.settings import Settings

EXAMPLES = {"calls": "AJ_000001", "live": "AJ_live", "campaigns": "c0ffee"}
"""What is there of each kind."""


def example(path: str) -> str:
    """An address of a route. A new kind of page needs an example of what it shows."""
    address = path.replace("{id}", EXAMPLES.get(path.split("/")[1], "{id}"))
    address = address.replace("{what}", "pause").replace("{name}", "ann")
    assert "{" not in address, f"EXAMPLES has nothing for {path}"
    return address


ROUTES = [(method, example(path)) for method, path in paths()]
GETS = [path for method, path in ROUTES if method == "GET"]
READ = [path for path in GETS if not path.endswith("/events")]
"""All that comes to an end."""
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
async def stranger(deployment: Deployment) -> AsyncIterator[Browser]:
    """Somebody who has not signed in, at a host with a call that is over and one that is live."""
    deployment.persona("ann")
    async with a_browser(deployment) as browser:
        browser.write(a_record())
        browser.live("AJ_live", status=CallStatus.ACTIVE, answered_at=NOW)
        campaign(browser, Row(line=2, number=NUMBER, details={"day": "Thursday"}))
        yield browser


def campaign(browser: Browser, *rows: Row, **facts: Any) -> None:
    """Have a campaign."""
    known = {"id": "c0ffee", "name": "rows.csv", "persona": "ann", "made_at": NOW}
    open_campaigns(browser.settings).add(Campaign(**{**known, **facts}), list(rows))


@pytest.fixture
async def browser(stranger: Browser) -> Browser:
    """Somebody who has signed in."""
    assert (await stranger.sign_in()).status_code == 303
    return stranger


# Who gets in


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_a_session_each_route_leads_to_the_login(
    method: str, path: str, stranger: Browser
) -> None:
    form = {"token": "wrong"} if method == "POST" else None
    answer = await stranger.http.request(method, path, data=form)
    if path == "/login":
        assert answer.status_code in (200, 401)
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
    assert "Thursday" not in answer.text
    assert "+1…" not in answer.text
    [row] = open_campaigns(stranger.settings).all()
    assert row.status == "running"


@pytest.mark.parametrize("path", ["/nothing", "/static/../app.py", "/calls/..%2f..%2fetc", "//x"])
async def test_nor_does_a_path_that_is_no_route_tell_anything(path: str, stranger: Browser) -> None:
    answer = await stranger.get(path)
    assert answer.status_code in (303, 404)
    assert "import" not in answer.text


async def test_a_part_of_a_page_leads_to_the_login_as_well(stranger: Browser) -> None:
    answer = await stranger.get("/live/list", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/login")


async def test_the_token_opens_the_page_that_was_asked_for(stranger: Browser) -> None:
    answer = await stranger.get("/calls?words=thursday")
    login = await stranger.page(answer.headers["location"])
    assert 'name="next" value="/calls?words=thursday"' in login
    answer = await stranger.sign_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls")
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", f"max-age={sessions.LASTS}"} <= {*cookie.split("; ")}
    assert "Thursday" in await stranger.page("/calls/AJ_000001")


@pytest.mark.parametrize("token", ["", TOKEN[:-1], TOKEN + "x", "ö" * 40])
async def test_any_other_token_does_not(token: str, stranger: Browser) -> None:
    answer = await stranger.sign_in(token)
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    assert "The token is wrong." in answer.text
    assert (await stranger.get("/calls")).status_code == 303


async def test_without_a_token_of_the_host_nobody_gets_in(deployment: Deployment) -> None:
    deployment.persona("ann")
    async with a_browser(deployment, token="") as browser:
        assert (await browser.sign_in("")).status_code == 401


async def test_behind_a_tls_proxy_the_cookie_is_sent_over_tls_alone(stranger: Browser) -> None:
    headers = {"origin": "https://console", "sec-fetch-site": "same-origin"}
    answer = await stranger.http.post("/login", data={"token": TOKEN}, headers=headers)
    assert "secure" in answer.headers["set-cookie"].lower().split("; ")


async def test_signing_out_ends_the_session_also_for_a_copied_cookie(browser: Browser) -> None:
    copied = dict(browser.http.cookies)
    answer = await browser.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    browser.http.cookies.update(copied)
    assert (await browser.get("/calls")).status_code == 303


def test_a_session_expires_and_can_not_be_forged(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, others = sessions.Sessions(), sessions.Sessions()
    cookie = ours.begin()
    assert ours.read(cookie)
    assert others.read(cookie) is None
    assert ours.read(cookie[:-2]) is None
    monkeypatch.setattr(sessions, "LASTS", -1)
    assert ours.read(ours.begin()) is None


async def test_who_asks_without_a_session_all_the_time_is_put_off(stranger: Browser) -> None:
    for _ in range(guard.SIGN_INS):
        assert (await stranger.sign_in("wrong")).status_code == 401
    answer = await stranger.sign_in()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    for _ in range(guard.STRANGERS):
        assert (await stranger.get("/calls")).status_code == 303
    assert (await stranger.get("/login")).status_code == 429


async def test_that_holds_for_one_address_and_nobody_who_has_signed_in(browser: Browser) -> None:
    cookies = dict(browser.http.cookies)
    browser.http.cookies.clear()
    for _ in range(guard.STRANGERS + 1):
        await browser.get("/login")
    browser.http.cookies.update(cookies)
    assert (await browser.get("/calls")).status_code == 200


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/login?next=/login"]
)
def test_the_login_leads_to_no_other_site(path: str) -> None:
    assert own_path(path) == "/live"


@pytest.mark.parametrize("token", ["", "short", "with a space, and thirty-two signs long"])
def test_a_console_needs_a_strong_token(token: str) -> None:
    with pytest.raises(SettingsError, match="HOST_CONSOLE_PORT is set and HOST_CONSOLE_TOKEN"):
        require_tokens(Settings(console_port=8091, console_token=token))
    require_tokens(Settings(console_token=token))
    require_tokens(Settings(console_port=8091, console_token=TOKEN))


# Who acts


POSTS = [path for method, path in ROUTES if method == "POST" and path != "/login"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("csrf", ["", "0" * 64, "ö"])
async def test_a_form_without_the_token_of_its_session_does_nothing(
    path: str, csrf: str, browser: Browser
) -> None:
    answer = await browser.post(path, csrf=csrf)
    assert answer.status_code == 403
    assert await browser.page("/calls")  # still signed in


async def test_nor_does_one_of_another_session(browser: Browser) -> None:
    first = browser.csrf(await browser.page("/gate"))
    await browser.sign_in()
    assert (await browser.post("/gate", csrf=first, number="+1")).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://console"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://console:81"},
    ],
)
@pytest.mark.parametrize("path", ["/login", "/gate"])
async def test_a_form_of_another_site_does_nothing(
    headers: dict[str, str], path: str, browser: Browser
) -> None:
    form = {"token": TOKEN, "csrf": browser.csrf(await browser.page("/gate"))}
    answer = await browser.http.post(path, data=form, headers=headers)
    assert answer.status_code == 403


async def test_a_form_is_short_and_of_its_kind(browser: Browser) -> None:
    csrf = browser.csrf(await browser.page("/gate"))
    answer = await browser.post("/gate", csrf=csrf, number="1" * 9000)
    assert answer.status_code == 413
    token = {"x-csrf-token": csrf}
    assert (await browser.http.post("/gate", json={}, headers=token)).status_code == 415
    assert (await browser.http.put("/gate", headers=token)).status_code == 405


# What a page may do


@pytest.mark.parametrize("path", ["/nothing", *GETS])
async def test_no_page_may_be_framed_or_run_what_stands_in_it(path: str, browser: Browser) -> None:
    async with browser.following(path) as answer:
        headers = answer.headers
    allowed = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= {*allowed}
    assert {"form-action 'self'", "base-uri 'none'"} <= {*allowed}
    assert not [each for each in allowed if "unsafe" in each]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", READ)
async def test_nothing_is_inline_and_nothing_comes_from_elsewhere(
    path: str, browser: Browser
) -> None:
    page = (await browser.get(path)).text
    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]* src=)", page)
    assert all(url.startswith(("/", "#")) for url in re.findall(r'(?:src|href)="([^"]*)"', page))


async def test_files_are_kept_by_browsers_and_change_their_address(browser: Browser) -> None:
    style = re.search(r'href="(/static/console.css\?\w+)"', await browser.page("/calls"))
    assert style
    answer = await browser.get(style[1])
    assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)


# What others write is text


def _evil(browser: Browser, evil: str = EVIL) -> None:
    """Have what others write in each place that they can reach."""
    at = a_record().dispatched_at
    attempt = Attempt(
        number=1, host=evil, begun_at=at, call=evil, room=evil, outcome=Outcome.FAILED,
        reason=evil, results={evil: evil},
    )  # fmt: skip
    rows = [
        Row(line=2, number=evil, reference=evil, details={evil: evil}, note=evil),
        Row(line=3, number=evil, attempts=[attempt], step=Step.DONE),
    ]
    campaign(browser, *rows, name=evil, persona=evil, reason=evil)
    browser.write(
        a_record(
            number=evil,
            our_number=evil,
            reference=evil,
            idempotency_key=evil,
            room=evil,
            reason=evil,
            error=evil,
            voicemail=evil,
            transcript=[Utterance(at=at, who="caller", text=evil)],
            results={evil: evil, "more": [evil]},
        )
    )
    lines = [Utterance(at=at, who="caller", text=evil)]
    browser.live(
        "AJ_evil", number=evil, caller_name=evil, transcript=lines, metadata={"reference": evil}
    )


@pytest.mark.parametrize("path", [*READ, "/live/AJ_evil", "/live/AJ_evil/now"])
async def test_what_callers_and_models_say_is_text(path: str, browser: Browser) -> None:
    _evil(browser)
    answer = await browser.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    if "text/html" in answer.headers.get("content-type", ""):
        assert "<script>" not in answer.text
        assert "<img" not in answer.text


FILES = [path for path in READ if path.endswith(".csv")]


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\r="])
async def test_no_cell_of_a_file_is_a_formula(path: str, sign: str, browser: Browser) -> None:
    _evil(browser, f"{sign}HYPERLINK(1)")
    rows = [*csv.reader(io.StringIO(await browser.page(path), newline=""))]
    assert [cell for row in rows for cell in row if cell.startswith(tuple("=+-@\t\r"))] == []
    assert any("HYPERLINK" in cell for row in rows for cell in row)


@pytest.mark.parametrize("path", ["/live/AJ_evil", "/calls/AJ_000001", "/campaigns/c0ffee"])
async def test_and_it_is_there(path: str, browser: Browser) -> None:
    _evil(browser)
    assert "&lt;script&gt;alert(1)" in await browser.page(path)


async def test_a_docstring_and_a_fault_of_a_persona_are_text(
    deployment: Deployment, browser: Browser
) -> None:
    deployment.write("personas/evil.py", f'"""{EVIL}"""\n\nfrom host import hookimpl\n')
    deployment.write(
        "personas/eve.py",
        f'"""{EVIL}"""\n\nfrom host import hookimpl\n\n'
        "@hookimpl\ndef instructions(call):\n    return 'eve'\n",
    )
    deployment.write("personas/bad.py", f"raise RuntimeError({EVIL!r})\n")
    browser.console.use(browser.settings, deployment.load())
    page = await browser.page("/personas")
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") >= 2


@pytest.mark.parametrize("query", ["words", "number", "persona", "since", "outcome", "before"])
async def test_so_is_what_is_searched_for(query: str, browser: Browser) -> None:
    given: dict[str, Any] = {query: f'">{EVIL}'}
    page = await browser.page("/calls", **given)
    assert "<script>" not in page
    assert "<img" not in page
