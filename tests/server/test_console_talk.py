"""The console's telephone: what a person at a browser gets to call a persona with, and no more."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from console_client import TOKEN, Browser, a_browser
from deployment import Deployment
from pydantic import SecretStr, ValidationError

from host.server.console.lines import origins
from host.settings import Settings

TALK = "/personas/ann/talk"


@pytest.fixture
async def browser(deployment: Deployment) -> AsyncIterator[Browser]:
    """Somebody who has signed in to a host with a persona and a LiveKit server."""
    deployment.persona("ann")
    toml = (
        'livekit_url = "ws://livekit:7880"\nlivekit_api_key = "key"\n'
        f'livekit_api_secret = "{TOKEN}"\nconsole_livekit_url = "wss://calls.example"\n'
    )
    async with a_browser(deployment, toml) as browser:
        await browser.sign_in()
        yield browser


def with_settings(browser: Browser, **given: Any) -> None:
    """Have the console serve other settings, as after a reload."""
    console = browser.console
    console.use(console.settings.model_copy(update=given), console.loaded)


async def claims_of(browser: Browser, **form: str) -> dict[str, Any]:
    """Ask for a call; return what its token says."""
    answer = await browser.post(TALK, **form)
    assert answer.status_code == 200, answer.text
    claims: dict[str, Any] = jwt.decode(answer.json()["token"], TOKEN, ["HS256"])
    return claims


async def test_each_persona_has_a_telephone(browser: Browser) -> None:
    assert f'href="{TALK}"' in await browser.page("/personas")
    page = await browser.page(TALK)
    assert "Talk to ann" in page
    assert "ann: says who it is." in page
    assert (await browser.get("/personas/eve/talk")).status_code == 404
    assert (await browser.post("/personas/eve/talk")).status_code == 404


async def test_its_token_joins_one_new_room_with_a_microphone_and_keys_alone(
    browser: Browser,
) -> None:
    first, second = [await claims_of(browser) for _ in range(2)]
    assert first["video"] == {
        "roomJoin": True,
        "room": first["video"]["room"],
        "canPublish": True,
        "canPublishSources": ["microphone"],
        "canPublishData": True,
        "canSubscribe": True,
        **{name: value for name, value in first["video"].items() if value is False},
    }
    assert first["exp"] - first["nbf"] <= 60
    assert first.get("kind") in (None, "standard")
    assert first["video"]["room"] != second["video"]["room"]
    assert first["sub"] != second["sub"]
    assert "sip" not in first or not any(first["sip"].values())


async def test_joining_dispatches_the_persona_and_the_record_will_say_from_where(
    browser: Browser,
) -> None:
    claims = await claims_of(browser, details="day=Monday\r\n\r\n name = Ann \n")
    (agent,) = claims["roomConfig"]["agents"]
    assert agent["agentName"] == "host"
    assert json.loads(agent["metadata"]) == {
        "persona": "ann",
        "reference": "console",
        "day": "Monday",
        "name": "Ann",
    }


@pytest.mark.parametrize(
    ("details", "fault"),
    [
        ("Monday", "is not of the form key=value"),
        ("persona=bob", "persona can't be a detail"),
        ("phone_number=+15552220001", "phone_number can't be a detail"),
        ("a=" + "x" * 5000 + "\nb=" + "\U0001f600" * 900, None),
    ],
)
async def test_details_that_can_not_be_are_said_in_a_line(
    details: str, fault: str | None, browser: Browser
) -> None:
    answer = await browser.post(TALK, details=details)
    if fault is None:  # the form itself is too long
        assert answer.status_code == 413
    else:
        assert answer.status_code == 422
        assert fault in answer.json()["fault"]


async def test_without_a_livekit_server_it_says_what_is_missing(browser: Browser) -> None:
    with_settings(browser, livekit_api_secret=SecretStr(""))
    answer = await browser.post(TALK)
    assert answer.status_code == 422
    assert "LIVEKIT_API_SECRET is not set" in answer.json()["fault"]


async def test_the_browser_gets_an_address_of_its_own_or_the_hosts(browser: Browser) -> None:
    assert (await browser.post(TALK)).json()["url"] == "wss://calls.example"
    with_settings(browser, console_livekit_url="")
    assert (await browser.post(TALK)).json()["url"] == "ws://livekit:7880"


async def test_that_page_alone_may_connect_to_livekit_and_use_the_microphone(
    browser: Browser,
) -> None:
    headers = (await browser.get(TALK)).headers
    wanted = "connect-src 'self' wss://calls.example https://calls.example"
    assert wanted in headers["content-security-policy"].split("; ")
    assert headers["permissions-policy"] == "camera=(), geolocation=(), microphone=(self)"
    for path in ("/personas", "/live", "/nothing"):
        headers = (await browser.get(path)).headers
        assert "connect-src 'self'" in headers["content-security-policy"].split("; ")
        assert headers["permissions-policy"] == "camera=(), geolocation=(), microphone=()"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("ws://127.0.0.1:7880", "ws://127.0.0.1:7880 http://127.0.0.1:7880"),
        ("wss://my.livekit.cloud/", "wss://my.livekit.cloud https://my.livekit.cloud"),
        ("https://my.livekit.cloud", "wss://my.livekit.cloud https://my.livekit.cloud"),
        ("wss://a;script-src *", ""),
        ("", ""),
    ],
)
def test_of_an_address_only_its_origin_is_allowed(url: str, allowed: str) -> None:
    assert origins(url) == allowed


@pytest.mark.parametrize("url", ["calls.example", "http://calls.example", "wss://a; *", "wss://"])
def test_an_address_for_browsers_is_a_websockets(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(console_livekit_url=url)
