"""Joining a live call from its page: who may, when, and with which grants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from console_client import NOW, TOKEN, Browser, a_browser
from deployment import Deployment
from pydantic import SecretStr

from host.base.errors import HostError
from host.server.console import joining

LISTEN, TAKE_OVER = "/live/AJ_1/listen", "/live/AJ_1/takeover"


@pytest.fixture
async def browser(deployment: Deployment) -> AsyncIterator[Browser]:
    """Somebody who has signed in to a host with a persona and a LiveKit server."""
    deployment.persona("ann")
    toml = (
        'livekit_url = "ws://livekit:7880"\nlivekit_api_key = "key"\n'
        f'livekit_api_secret = "{TOKEN}"\n'
        '[personas.mum]\nrecord_transcripts = false\n[personas.bob]\nhands_over_to = ["mum"]\n'
    )
    async with a_browser(deployment, toml) as browser:
        await browser.sign_in()
        yield browser


def talking(browser: Browser, **facts: Any) -> None:
    """Have a live call whose persona has spoken."""
    browser.live("AJ_1", **{"answered_at": NOW, "first_word_at": NOW, "room": "ann-1", **facts})


async def test_a_listener_is_hidden_and_may_hear_alone(browser: Browser) -> None:
    talking(browser)
    answer = await browser.post(LISTEN)
    assert answer.status_code == 200
    claims = jwt.decode(answer.json()["token"], TOKEN, ["HS256"])
    grants = {name: value for name, value in claims["video"].items() if value}
    assert grants == {"roomJoin": True, "room": "ann-1", "hidden": True, "canSubscribe": True}
    assert claims["video"]["canPublish"] is False
    assert claims["video"]["canPublishData"] is False
    assert claims["exp"] - claims["nbf"] <= 60
    assert "roomConfig" not in claims


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"first_word_at": None}, "before the persona has spoken"),
        ({"unrecorded_since": NOW}, "off the record"),
        ({"persona": "mum"}, "record_transcripts"),
        ({"persona": "bob"}, "record_transcripts"),
    ],
    ids=["not yet", "off the record", "without transcripts", "nor may it get there"],
)
async def test_nobody_listens_in_to_what_settings_and_calls_keep(
    facts: dict[str, Any], why: str, browser: Browser
) -> None:
    talking(browser, **facts)
    answer = await browser.post(LISTEN)
    assert answer.status_code == 409
    assert why in answer.json()["fault"]


async def test_a_call_that_is_over_and_a_livekit_without_keys_are_said_in_a_line(
    browser: Browser,
) -> None:
    answer = await browser.post(LISTEN)
    assert (answer.status_code, answer.json()["fault"]) == (404, "The call is over.")
    talking(browser)
    console = browser.console
    without = console.settings.model_copy(update={"livekit_api_key": SecretStr("")})
    console.use(without, console.loaded)
    answer = await browser.post(LISTEN)
    assert (answer.status_code, "LIVEKIT_API_KEY" in answer.json()["fault"]) == (422, True)


async def test_the_page_of_a_live_call_may_connect_to_livekit(browser: Browser) -> None:
    talking(browser)
    answer = await browser.get("/live/AJ_1")
    assert "connect-src 'self' ws://livekit:7880" in answer.headers["content-security-policy"]
    assert 'data-call="/live/AJ_1"' in answer.text


# Taking over


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """What calls are told of operators: room, call and identity."""
    given: list[tuple[str, str, str]] = []

    async def step_in(livekit: Any, settings: Any, room: str, call: str, identity: str) -> None:
        if room == "busy":
            raise HostError("the call is being transferred")
        given.append((room, call, identity))

    monkeypatch.setattr(joining, "step_in", step_in)
    return given


async def test_an_operator_is_announced_to_the_call_and_may_speak_and_hear(
    browser: Browser, orders: list[tuple[str, str, str]]
) -> None:
    talking(browser)
    answer = await browser.post(TAKE_OVER)
    assert answer.status_code == 200
    claims = jwt.decode(answer.json()["token"], TOKEN, ["HS256"])
    assert orders == [("ann-1", "AJ_1", claims["sub"])]
    grants = {name: value for name, value in claims["video"].items() if value}
    assert grants == {
        "roomJoin": True,
        "room": "ann-1",
        "canPublish": True,
        "canPublishSources": ["microphone"],
        "canSubscribe": True,
    }
    assert claims["video"]["canPublishData"] is False
    assert claims["exp"] - claims["nbf"] <= 60
    assert "roomConfig" not in claims


@pytest.mark.parametrize(
    ("facts", "status", "why"),
    [
        ({"unrecorded_since": NOW}, 409, "off the record"),
        ({"room": "busy"}, 409, "the call is being transferred"),
        (None, 404, "The call is over."),
    ],
    ids=["off the record", "the call refuses", "over"],
)
async def test_a_call_that_can_not_be_taken_over_says_why(
    facts: dict[str, Any] | None,
    status: int,
    why: str,
    browser: Browser,
    orders: list[tuple[str, str, str]],
) -> None:
    if facts is not None:
        talking(browser, **facts)
    answer = await browser.post(TAKE_OVER)
    assert (answer.status_code, why in answer.json()["fault"]) == (status, True)
    assert orders == []
