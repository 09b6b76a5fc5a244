"""Conversations in text of several personas: who speaks, who concludes, and what is recorded."""

from __future__ import annotations

import asyncio

import pytest
from deployment import Deployment

from host.testing import Rule, open_conversation

PERSONA = '''
    """{name}: one of several."""

    import asyncio

    from pydantic import BaseModel

    from host import hookimpl

    class Wish(BaseModel):
        """Note the wish."""

        told_{name}: str

    @hookimpl
    def instructions(call):
        return "You are {name}."

    @hookimpl
    def greeting(call):
        return "Here is {name}."

    @hookimpl
    async def digit_pressed(call, digit):
        call.results[call.persona] = digit
        await call.hand_over({{"1": "bob", "2": "cat"}}[digit], note="by key")

    @hookimpl
    async def prepare_call(call):
        if "{name}" == "cat":
            await asyncio.Event().wait()

    @hookimpl
    def conclusions(call):
        return Wish
    '''
RULES = [
    Rule(persona="ann", hears="give me bob", calls=("hand_over", {"to": "bob", "note": "asked"})),
    Rule(persona="bob", hears="give me bob|^$", says="What is it?"),
    *(
        Rule(persona=name, calls=("conclude", {f"told_{name}": "a crown"}))
        for name in ("ann", "bob")
    ),
]
NUMBER = "+15550001111"


@pytest.fixture(autouse=True)
def personas(deployment: Deployment) -> None:
    for name in ("ann", "bob", "cat"):
        deployment.write(f"personas/{name}.py", PERSONA.format(name=name))
    deployment.write(
        "host.toml",
        '[personas.ann]\nhands_over_to = ["bob", "cat"]\nrecord_numbers = true\n'
        '[personas.bob]\ndisclosure = "I am a machine."\n',
    )


@pytest.mark.parametrize("way", ["words", "key"])
async def test_a_call_goes_on_with_another_persona_which_concludes(way: str) -> None:
    async with open_conversation("ann", rules=RULES, number=NUMBER) as talk:
        assert talk.greeting.text == "Here is ann."
        turn = await (talk.press("1") if way == "key" else talk.say("Give me Bob."))
        assert turn.said == ["I am a machine.", "What is it?"]
        assert [tool.name for tool in turn.tools] == ([] if way == "key" else ["hand_over"])
        assert (talk.call.persona, talk.call.personas) == ("bob", ["ann", "bob"])
        if way == "key":
            await talk.say("I need a crown.")
        assert ("handover", "to bob") in talk.lines
    record = talk.record
    assert (record.persona, record.names) == ("ann", ["ann", "bob"])
    assert record.results["conclusions"] == {"told_bob": "a crown"}


async def test_who_is_still_asked_when_the_caller_leaves_does_not_conclude(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("host.runner.text.conversation.CLOSING_LIMIT", 0.1)
    async with open_conversation("ann", rules=RULES) as talk:
        await talk.say("I need a crown.")
        pressing = asyncio.create_task(talk.press("2"))
        async with asyncio.timeout(10):
            while talk.call.persona != "cat":
                await asyncio.sleep(0.01)  # it is asked in the background
        assert talk.call.personas == ["ann"]
    pressing.cancel()
    assert talk.call.persona == "ann"
    assert talk.record.results["conclusions"] == {"told_ann": "a crown"}
