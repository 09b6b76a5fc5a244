"""What comes out of a conversation in text: results, conclusions, and what the keypad chose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from deployment import Deployment

from host.call.state import CallState
from host.local.rule_llm import RuleLlm
from host.registry.configure import with_plugin_settings
from host.runner.text import TextCall, converse
from host.settings import load_settings
from host.testing import Rule, open_conversation

PRACTICE = '''
    """Practice: notes what callers want."""

    from typing import Literal

    from pydantic import BaseModel

    from host import Menu, hookimpl

    class Visit(BaseModel):
        """Note what the caller wants."""

        day: Literal["Monday", "Tuesday"]

    @hookimpl
    def instructions(call):
        return "You are the practice."

    @hookimpl
    def greeting(call):
        return "What is it about?"

    @hookimpl
    def tools(call):
        async def book(day: str) -> str:
            """Book a visit."""
            call.results["booking"] = {"day": day}
            return "Booked."

        async def ask_again() -> str:
            """Ask the caller whether to call again."""
            if not await call.choose(Menu("One for yes.", {"1": True, "2": False}, name="again")):
                await call.opt_out()
            return "Noted."

        return [book, ask_again]

    @hookimpl
    def conclusions(call):
        return Visit

    @hookimpl
    async def call_ended(call, record):
        call.state.told = record
    '''
BOOKS = [
    Rule(hears="crown", calls=("book", {"day": "Monday"})),
    Rule(after="book", says="You are booked."),
]
NUMBER = "+15550001111"


def concludes(day: str) -> Rule:
    return Rule(calls=("conclude", {"day": day}))


@pytest.fixture(autouse=True)
def practice(deployment: Deployment) -> Deployment:
    deployment.write("personas/practice.py", PRACTICE)
    return deployment


async def test_results_and_the_reference_are_in_the_record() -> None:
    known: Mapping[str, Any] = {"reference": "crm-42"}
    async with open_conversation("practice", rules=BOOKS, metadata=known) as talk:
        await talk.say("I need a crown.")
        assert dict(talk.call.results) == {"booking": {"day": "Monday"}}
    assert talk.record.results["booking"] == {"day": "Monday"}
    assert talk.record.reference == "crm-42"


async def test_the_llm_draws_the_conclusions_before_the_persona_gets_the_record() -> None:
    async with open_conversation("practice", rules=[*BOOKS, concludes("Monday")]) as talk:
        await talk.say("I need a crown.")
        assert "conclusions" not in talk.call.results
    expected = {"booking": {"day": "Monday"}, "conclusions": {"day": "Monday"}}
    assert talk.record.results == expected
    assert talk.record.conclusions_error is None
    assert talk.call.state.told == talk.record


async def test_why_there_are_no_conclusions_is_in_the_record() -> None:
    async with open_conversation("practice", rules=[*BOOKS, Rule(calls=("conclude", {}))]) as talk:
        await talk.say("I need a crown.")
    assert "conclusions" not in talk.record.results
    wrong = "the LLM's conclusions are not valid: day is missing"
    assert talk.record.conclusions_error == wrong


async def test_where_nobody_spoke_there_is_nothing_to_conclude() -> None:
    async with open_conversation("practice", rules=[concludes("Monday")]) as talk:
        pass
    assert (talk.record.results, talk.record.conclusions_error) == ({}, None)


async def test_a_conversation_that_fails_waits_for_no_conclusions() -> None:
    opened = open_conversation("practice", rules=[*BOOKS, concludes("Monday")])
    talk = await opened.__aenter__()
    await talk.say("I need a crown.")
    failed = AssertionError("of the author's test")
    assert not await opened.__aexit__(AssertionError, failed, None)
    assert talk.record.results == {"booking": {"day": "Monday"}}
    assert talk.record.conclusions_error is None


async def test_a_chat_whose_record_nobody_gets_has_no_conclusions(practice: Deployment) -> None:
    state, hooks = CallState(id="chat", room="chat"), practice.load().view("practice")
    model = RuleLlm([*BOOKS, concludes("Monday")], lambda: None)
    settings = with_plugin_settings(load_settings(), practice.load())
    call = TextCall(settings, state, persona="practice", hooks=hooks, llm=lambda call: model)
    async with converse(call) as talk:
        await talk.say("I need a crown.")
    assert talk.record.results == {"booking": {"day": "Monday"}}


async def test_choices_and_opt_outs_are_in_the_record() -> None:
    rules = [Rule(hears="again", calls=("ask_again", {})), Rule(after="ask_again", says="Noted.")]
    async with open_conversation("practice", rules=rules, number=NUMBER) as talk:
        turn = await talk.say("Will you call again?")
        assert turn.text == "One for yes."
        assert (await talk.press("2")).text == "Noted."
    assert [(each.menu, each.key, each.choice) for each in talk.record.menus] == [
        ("again", "2", "False")
    ]
    assert talk.record.opted_out
