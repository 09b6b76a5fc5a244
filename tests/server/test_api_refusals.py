"""What the API says of a call that it refuses: which rule, and when it is allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from deployment import Deployment
from in_process_api import TOKEN, Api, an_api_in_process

from host.compliance import Gate
from host.compliance.budget import Budget
from host.settings import load_settings

CALLEE, OWN = "+12125550123", "+12125550100"


@pytest.fixture
async def api(deployment: Deployment) -> AsyncIterator[Api]:
    """The API of a host whose persona has two numbers."""
    deployment.persona("ann")
    deployment.write(
        "host.toml",
        f"""
        api_port = 0
        api_token = "{TOKEN}"
        countries = ["US"]
        caller_id = "{OWN}"
        max_attempts_a_day = 1
        [personas.ann]
        numbers = ["+12125550110"]
        """,
    )
    async with an_api_in_process(load_settings()) as api:
        yield api


async def test_a_call_at_night_is_told_when_it_is_day(api: Api) -> None:
    with time_machine.travel(datetime(2026, 1, 16, 3, tzinfo=UTC), tick=False):
        status, told = await api.place(number=CALLEE)
    assert (status, told["rule"]) == (403, "hours")
    assert told["retry_at"] == "2026-01-16T08:00:00-05:00"
    assert told["detail"] == (
        "it is 22:00 in America/New_York, outside the calling hours of 08:00-21:00"
    )


async def test_a_call_too_many_is_told_when_the_next_one_is_allowed(api: Api) -> None:
    with time_machine.travel(datetime(2026, 1, 15, 20, tzinfo=UTC), tick=False):
        gate = Gate(api.settings, api.settings.persona("ann"))
        assert gate.dial(CALLEE).allowed
        status, told = await api.place(number=CALLEE)
    assert (status, told["rule"]) == (403, "attempts")
    assert told["retry_at"] == "2026-01-16T08:00:00-05:00"
    assert told["detail"] == "the number has reached its daily limit of attempts"


async def test_a_persona_without_calls_left_is_told_when_the_next_one_is_allowed(
    deployment: Deployment,
) -> None:
    deployment.persona("ann")
    deployment.write(
        "host.toml",
        f"""
        api_port = 0
        api_token = "{TOKEN}"
        caller_id = "{OWN}"
        [personas.ann]
        max_calls_a_day = 1
        """,
    )
    afternoon = datetime(2026, 1, 15, 15, tzinfo=ZoneInfo("America/New_York"))
    with time_machine.travel(afternoon, tick=False):
        async with an_api_in_process(load_settings()) as api:
            Budget(api.settings.state_dir).admit("AJ_1", "ann", api.settings.persona("ann"))
            status, told = await api.place(number=CALLEE)
    assert (status, told["rule"]) == (403, "budget")
    assert told["retry_at"] == "2026-01-16T08:00:00-05:00"
    assert told["detail"] == "the persona has reached its daily limit of calls or minutes"


async def test_other_rules_tell_no_time(api: Api) -> None:
    status, told = await api.place(number="+442071234567")
    assert (status, told["rule"], told["retry_at"]) == (403, "country", None)


async def test_a_number_that_is_not_the_personas_is_not_shown(api: Api) -> None:
    status, told = await api.place(number=CALLEE, caller_id="+12125550111")
    assert (status, told["rule"]) == (403, "caller_id")
    assert told["detail"] == (
        "the caller ID is none of the persona's own numbers (caller_id, numbers)"
    )


@pytest.mark.parametrize("shown", ["5550001111", "", "anonymous", 1, True, {}])
async def test_what_is_no_number_is_not_shown_either(api: Api, shown: object) -> None:
    status, told = await api.place(number=CALLEE, caller_id=shown)
    assert (status, [fault["loc"] for fault in told["detail"]]) == (422, [["body", "caller_id"]])


async def test_the_number_to_show_is_no_detail(api: Api) -> None:
    status, told = await api.place(number=CALLEE, details={"caller_id": OWN})
    assert (status, told["detail"][0]["loc"]) == (422, ["body", "details"])
