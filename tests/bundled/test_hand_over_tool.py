"""The tool with which the model hands a call over."""

from __future__ import annotations

from typing import Any

import pytest
from deployment import Deployment
from livekit.agents import StopResponse, ToolError, ToolResult

from host.base.errors import HostError
from host.call.live import LiveCall
from host.testing import a_call, tool


@pytest.fixture
def desks(deployment: Deployment) -> Deployment:
    """Two personas, of which one hands over to the other."""
    for name in ("front", "billing"):
        deployment.persona(name)
    deployment.write("host.toml", "[personas.front]\nhands_over_to = ['billing']\n")
    return deployment


def test_only_who_may_hand_over_has_the_tool(desks: Deployment) -> None:
    assert callable(tool(a_call("front"), "hand_over"))
    with pytest.raises(LookupError, match="there is no tool 'hand_over'"):
        tool(a_call("billing"), "hand_over")


async def test_the_model_gets_a_result_that_needs_no_reply(
    desks: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[tuple[str, str]] = []

    async def hand_over(call: LiveCall, to: str, *, note: str = "") -> None:
        handed.append((to, note))

    monkeypatch.setattr(LiveCall, "hand_over", hand_over)
    result: Any = await tool(a_call("front"), "hand_over")("billing", "invoice 7")
    assert isinstance(result, ToolResult)
    assert (result.output, result.reply_required) == ("billing has the call now.", False)
    assert handed == [("billing", "invoice 7")]


async def test_the_model_reads_in_one_sentence_why_it_keeps_the_call(desks: Deployment) -> None:
    call = a_call("front")
    why = "The call stays with you: only a call with a conversation can be handed over."
    with pytest.raises(ToolError, match=f"^{why}$"):
        await tool(call, "hand_over")("billing", "")
    with pytest.raises(HostError):
        await call.hand_over("billing")


async def test_a_call_that_is_over_needs_no_explanation(
    desks: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiveCall, "over", property(lambda call: True))
    with pytest.raises(StopResponse):
        await tool(a_call("front"), "hand_over")("billing", "")
