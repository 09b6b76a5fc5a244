"""In which ways a target is reached, and the headers that go with it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from sample_calls import call_of

from host.call.live import LiveCall
from host.settings import PersonaSettings, Settings, TransferTarget
from host.telephony.transfer.headers import headers_of
from host.telephony.transfer.ways import ways_to

NUMBER = "+15550003101"
ADDRESS = "sip:bob@pbx.example"


@pytest.mark.parametrize(
    ("target", "telephone", "browser", "without_trunk"),
    [
        ({"number": NUMBER}, ["refer", "bridge if refused"], ["bridge"], ["refer"]),
        ({"number": NUMBER, "mode": "refer"}, ["refer"], [], ["refer"]),
        ({"number": NUMBER, "mode": "bridge"}, ["bridge"], ["bridge"], ["bridge"]),
        ({"number": NUMBER, "keys": "12"}, ["bridge"], ["bridge"], ["bridge"]),
        ({"number": NUMBER, "warm": True}, ["warm"], ["warm"], ["warm"]),
        ({"number": "sip:bob"}, ["refer"], [], ["refer"]),
        (
            {"number": ADDRESS},
            ["refer", "bridge if refused"],
            ["bridge"],
            ["refer", "bridge if refused"],
        ),
    ],
)
def test_a_target_is_reached_in_the_ways_that_it_has(
    target: dict[str, Any], telephone: list[str], browser: list[str], without_trunk: list[str]
) -> None:
    found = TransferTarget.model_validate(target)

    def ways(**facts: bool) -> list[str]:
        planned = ways_to(found, **facts)
        return [f"{way.mode}{' if refused' if way.if_refused else ''}" for way in planned]

    assert ways(telephone=True, trunk=True) == telephone
    assert ways(telephone=False, trunk=True) == browser
    assert ways(telephone=True, trunk=False) == without_trunk


def a_call(**more: Any) -> LiveCall:
    call = call_of(Settings(personas={"desk": PersonaSettings()}))
    call.state.id = "AJ_1"
    for name, value in more.items():
        setattr(call.call.state, name, value)
    return call


def filled(call: LiveCall, template: str, summary: str = "") -> str | None:
    target = TransferTarget(number=NUMBER, headers={"X-Case": template})
    return headers_of(target, call, summary).get("X-Case")


def test_a_header_is_filled_from_the_call_its_state_its_details_and_its_metadata() -> None:
    call = a_call(case=17)
    call.details = SimpleNamespace(patient="Ann", case="another")
    call.state.metadata = {"patient": "Bob", "region": "north"}
    template = "{call_id} {persona} {case} {patient} {region}"
    assert filled(call, template) == "AJ_1 desk 17 Ann north"
    call.details = {"patient": "Eve"}
    assert filled(call, "{patient}") == "Eve"


def test_a_header_without_a_value_is_left_out() -> None:
    call = a_call(case="", many=["a"])
    for template in ("{case}", "{many}", "{nothing}", "{__class__}", "{copy}", "{summary}"):
        assert filled(call, template) is None
    assert filled(call, "plain") == "plain"


@pytest.mark.parametrize(
    "hostile",
    ["a\r\nFrom: <sip:eve@evil>", "a\x00b", "a\u2028b", "x" * 5000, "\ud800", "{persona}"],
)
def test_no_value_breaks_a_header(hostile: str) -> None:
    header = filled(a_call(), "{summary}", hostile) or ""
    assert header.isprintable()
    assert 0 < len(header) <= 256
    assert "desk" not in header
    header.encode()
