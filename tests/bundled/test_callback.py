"""The tool with which the model agrees on a callback: off by default, and bounded by the gate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from deployment import Deployment
from livekit.agents import ToolError

from host import Call
from host.call.schedule import Schedule, Scheduled
from host.compliance import Gate
from host.server.api.schemas import WantedCall
from host.testing import a_call, tool

NUMBER, OURS = "+12125550123", "+15550001111"
ON = {"callback": {"enabled": True}}
SETTINGS = 'calling_hours = "{}"\nallow_numbers = ["+12125550123"]\n'


@pytest.fixture
def desk(served: Deployment) -> Deployment:
    served.write("host.toml", SETTINGS.format("00:00-24:00"))
    return served


def of_desk(**facts: Any) -> Call:
    """A call of somebody in New York, by telephone."""
    call = a_call("desk", **{"number": NUMBER, "our_number": OURS, "plugins": ON, **facts})
    handling: Any = call._handling
    handling.far_end = SimpleNamespace(telephone=True)
    return call


def in_hours(hours: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)


async def agree(call: Call, when: datetime | str) -> str:
    """Let the model use the tool."""
    text = when if isinstance(when, str) else when.isoformat()
    return str(await tool(call, "call_back")(text))


def scheduled(call: Call) -> list[Scheduled]:
    """The callbacks that are to be made."""
    waiting = Schedule(call.settings.state_dir).waiting()
    return [each for each in waiting if each.cancelled is None]


def test_no_persona_has_the_tool_that_does_not_ask_for_it(desk: Deployment) -> None:
    with pytest.raises(LookupError, match="call_back"):
        tool(of_desk(plugins={}), "call_back")


@pytest.mark.parametrize("number", [None, "anonymous", "+1"])
async def test_whoever_can_not_be_called_is_told_so(desk: Deployment, number: str | None) -> None:
    with pytest.raises(ToolError, match="the number of the other party is unknown"):
        await agree(of_desk(number=number), in_hours(3))


async def test_the_number_of_the_call_is_called_back(desk: Deployment) -> None:
    call, when = of_desk(), in_hours(3)
    assert (await agree(call, when)).startswith("Noted: they are called back on ")
    (waiting,) = scheduled(call)
    assert waiting.due == when
    wanted = WantedCall.model_validate_json(waiting.request)
    assert (wanted.persona, wanted.number, wanted.details) == ("desk", NUMBER, {})
    assert (wanted.not_before, wanted.not_after) == (when, when + timedelta(hours=2))
    assert call.results["callback"] == {"at": when.isoformat()}


async def test_details_of_a_call_that_the_host_placed_are_those_of_the_callback(
    desk: Deployment,
) -> None:
    metadata = {"persona": "desk", "phone_number": NUMBER, "name": "Ann", "reference": "L-7"}
    call = of_desk(outbound=True, metadata=metadata)
    await agree(call, in_hours(3))
    wanted = WantedCall.model_validate_json(scheduled(call)[0].request)
    assert (wanted.details, wanted.reference) == ({"name": "Ann"}, "L-7")


async def test_a_time_without_a_zone_is_the_callees(desk: Deployment) -> None:
    call = of_desk()
    when = in_hours(30)
    there = when.astimezone(ZoneInfo("America/New_York")).replace(tzinfo=None)
    await agree(call, there)
    assert scheduled(call)[0].due == when


async def test_a_second_time_replaces_the_first(desk: Deployment) -> None:
    call, second = of_desk(), in_hours(5)
    await agree(call, in_hours(3))
    await agree(call, second)
    assert [each.due for each in scheduled(call)] == [second]


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("tomorrow", "no day and time such as"),
        ("2020-01-01T09:00", "that time is in the past"),
        ("2999-01-01T09:00", "more than 7 days ahead"),
    ],
)
async def test_what_can_not_be_is_told_to_the_model(desk: Deployment, when: str, said: str) -> None:
    call = of_desk()
    with pytest.raises(ToolError, match=said):
        await agree(call, when)
    assert scheduled(call) == []


async def test_the_gate_decides(desk: Deployment) -> None:
    desk.write("host.toml", SETTINGS.format("00:00-00:01"))
    with pytest.raises(ToolError, match="outside the calling hours of 00:00-00:01"):
        await agree(of_desk(), in_hours(24).replace(hour=17))  # not within two hours of midnight


async def test_who_has_opted_out_is_not_called_back(desk: Deployment) -> None:
    call = of_desk()
    Gate(call.settings, call.persona_settings).do_not_call.add(NUMBER)
    with pytest.raises(ToolError, match="do-not-call list"):
        await agree(call, in_hours(3))
