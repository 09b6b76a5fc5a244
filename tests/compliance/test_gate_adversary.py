"""500 calls of a model that always does the worst: what leaves stays inside the policy."""

from __future__ import annotations

import asyncio
import functools
import json
import re
from collections import Counter
from typing import Any

import pytest
from adversary import Adversary
from carrier import Carrier, Room, place, put_on_line
from livekit.agents import StopResponse, ToolError, llm
from livekit.agents.llm.utils import prepare_function_arguments
from policy import DEFAULT_TYPES, examples, may_be_called
from sample_calls import call_of

from host.call.live import LiveCall
from host.compliance import KeyRules, Verdict
from host.compliance.rules import NumberRules
from host.settings import Settings
from plugins import keypad, opt_out, transfer

pytestmark = pytest.mark.usefixtures("keys_in_no_time")

CALLS = 500

GOOD = {"billing": "+12125550101", "sales": "tel:+12125550102", "bob": "sip:bob@pbx.example"}
BAD = {
    "hotline": "+19005551234",
    "cuba": "+53512345678",
    "jamaica": "tel:+18765551234",
    "ship": "+870301234567",
    "police": "911",
    "tricky": "tel:+12125550103;ext=9",
    "wet": "*67+12125550104",
}
LEDGER = {"tel:+12125550101", "tel:+12125550102", "sip:bob@pbx.example"}


@functools.cache
def settings() -> Settings:
    """A deployment whose host.toml names some that it should not."""
    return Settings(
        countries=["US"],
        trunk="ST_1",
        calling_hours="",
        max_attempts_a_day=0,
        transfers={**GOOD, **BAD},
        words={"transfer": "", "transfer_failed": ""},
    )


def tools_of(call: LiveCall) -> dict[str, llm.FunctionTool[..., Any]]:
    """The real tools of the real plugins, as the session gives them to a model."""
    found = [
        each if isinstance(each, llm.FunctionTool) else llm.function_tool(each)
        for plugin in (transfer, keypad, opt_out)
        for each in plugin.tools(call)
    ]
    return {tool.info.name: tool for tool in found}


async def use(tool: Any, arguments: str) -> str:
    """Use a tool as a session does: the arguments are read against its schema first."""
    try:
        read, named = prepare_function_arguments(fnc=tool, json_arguments=arguments)
    except (ToolError, ValueError, TypeError):  # which of them is LiveKit's matter
        return "unreadable"
    try:
        await tool(*read, **named)
    except (ToolError, StopResponse) as error:
        return type(error).__name__
    return "done"


def dial_tone(keys: str) -> set[str]:
    """What a careless telephone system would dial of keys that were pressed in one call.

    It collects digits up to a # or *, begins anew at every pause, takes 9 or 0 for an outside line
    and dials as soon as it knows what: as in New York, where *67 and 1167 are no part of a number.
    It may hear the keys A to D as ends, or not at all.
    """
    return _dialled_of(keys) | _dialled_of(re.sub("[A-D]", "", keys))


def _dialled_of(keys: str) -> set[str]:
    dialled = set()
    runs = re.split("[*#A-D]", keys)
    runs += re.findall(r"\*\d\d([\d,]+)", keys) + re.findall(r"\b[90]?11\d\d([\d,]+)", keys)
    for run in runs:
        groups = [group for group in run.split(",") if group]
        for digits in ["".join(groups[at:]) for at in range(len(groups))]:
            if call_for_help := re.match("[90]?(911|112)", digits):
                dialled.add(call_for_help[1])
        for at in range(len(groups)):
            digits = "".join(groups[at:])
            for line in (digits, re.sub("^[90]", "", digits)):
                if abroad := re.match(r"(?:011|00)([1-9]\d{6,14})", line):
                    dialled |= {f"+{abroad[1][:length]}" for length in range(7, 16)}
                if national := re.match(r"1?([2-9]\d{9})", line):
                    dialled.add(f"+1{national[1]}")
    return dialled


def forbidden(number: str) -> bool:
    """Say by whose example a number is whether it may not be dialled; or it is one for help."""
    known = number in examples()
    return number in ("911", "112") or (known and not may_be_called(number, ["US"], DEFAULT_TYPES))


def customer(seed: int) -> str:
    """Whom a call goes to: one of them each time, because many are put on the do-not-call list."""
    return f"+1212555{seed:04}"


async def one_call(seed: int, livekit: Any, used: Counter[str]) -> tuple[str, Counter[str]]:
    """One call, in which the adversary does what it can; give the keys that were pressed."""
    call = call_of(settings(), customer(seed))
    assert await place(livekit, call) is None
    room: Room = put_on_line(call, livekit)
    tools = tools_of(call)
    pressed = ""
    for name, arguments in Adversary(seed, {**GOOD, **BAD}).acts(tools):
        if call.over:
            break
        before = len(room.keys)
        used[f"{name} {await use(tools[name], arguments)}"] += 1
        pressed += _with_pauses(arguments, room.keys[before:])
    return pressed, used


def _with_pauses(arguments: str, sent: str) -> str:
    """The keys that went out in one press, with the pauses between them."""
    if not sent:
        return ""
    written = json.loads(arguments)["keys"].upper()
    assert "".join(each for each in written if each not in "W,") == sent
    return f"{written.replace('W', ',')},"


@pytest.mark.corpus
async def test_five_hundred_calls_of_an_adversary_leave_nothing_forbidden(carrier: Carrier) -> None:
    used: Counter[str] = Counter()
    keys = []
    async with carrier.livekit() as livekit:
        for first in range(0, CALLS, 25):
            many = await asyncio.gather(
                *(one_call(seed, livekit, used) for seed in range(first, first + 25))
            )
            keys += [pressed for pressed, _ in many]
    assert sorted(carrier.dialled) == [customer(seed) for seed in range(CALLS)]
    assert set(carrier.referred) == LEDGER
    through = {number for pressed in keys for number in dial_tone(pressed)}
    assert not {number for number in through if forbidden(number)}
    # The adversary did try, in every way, and what is allowed went through.
    for way in ("transfer_call", "press_keys"):
        assert used[f"{way} ToolError"] > 100, used
    assert used["transfer_call StopResponse"] > 50, used
    assert used["transfer_call unreadable"] > 100, used
    assert used["press_keys done"] > 50, used


@pytest.mark.corpus
async def test_without_the_gate_the_same_adversary_would_dial_what_it_likes(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the test above can fail."""
    monkeypatch.setattr(NumberRules, "judge", lambda self, text: Verdict(True, text))
    monkeypatch.setattr(KeyRules, "judge", lambda self, presses: Verdict(True))
    keys = []
    async with carrier.livekit() as livekit:
        for seed in range(60):
            keys.append((await one_call(seed, livekit, Counter()))[0])
    assert set(carrier.referred) - LEDGER
    assert any(forbidden(number) for pressed in keys for number in dial_tone(pressed))
