"""Talking with a persona in text, as a person does in the terminal."""

import asyncio
import gc
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from deployment import Deployment

from host import registry
from host.base.paths import EXAMPLE_PERSONAS
from host.cli.chat import chat as talk
from host.local.llm import LlmServer
from host.local.process import bare_environment
from host.local.rule_files import read_rules
from host.local.rule_llm import RuleLlm
from host.local.rules import Rule
from host.local.scripts import RULES

pytestmark = pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")


async def type_into(*words: str, typed: str, folder: Path | None = None, **more: str) -> str:
    """Type lines to `python -m host chat`; give what it said, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "host", "chat", *words),
        cwd=folder,
        env={**bare_environment(), **more},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(typed.encode()), 60)
    assert process.returncode == 0
    return out.decode()


@pytest.fixture
def said(deployment: Deployment) -> Iterator[list[str]]:
    """What chats say in this process, a line each, as the command shows it."""
    yield []
    gc.collect()  # LiveKit's context of a job leaves its folder to the garbage collector


async def chat(
    said: list[str], typed: str, persona: str, rules: Sequence[Rule] = RULES, **details: str
) -> None:
    """Type lines to a chat in this process, whose model answers by rules."""
    lines = iter(typed.splitlines())
    await talk(
        registry.read_settings(),
        persona,
        details,
        llm=lambda call: RuleLlm(rules, lambda: call.persona),
        ask=lambda: next(lines, None),
        show=lambda who, text: said.append(f"{who}: {text}"),
    )


async def test_a_persona_greets_answers_and_hangs_up() -> None:
    async with LlmServer(RULES) as model:
        said = await type_into(
            "receptionist",
            typed="What are your opening hours?\nThank you, goodbye.\nThis is never read.\n",
            HOST_OPENAI_BASE_URL=f"{model.url}/v1",
        )
    assert said.splitlines() == [
        "receptionist: Molar Dental, good morning. How can I help you?",
        "receptionist: We are open from nine to five, Monday to Friday.",
        "tool: end_call()",
        "receptionist: Goodbye.",
    ]


async def test_a_persona_gets_the_number_as_people_write_it(deployment: Deployment) -> None:
    deployment.write("personas/ann.py", ASKS_THE_NUMBER)
    deployment.write(".env", "OPENAI_API_KEY=none\n")
    where = {"HOST_PERSONAS_DIR": str(deployment.folder / "personas")}
    said = await type_into(
        "ann", "--number", "+1 (555) 000-1101", typed="", folder=deployment.folder, **where
    )
    assert said == "ann: You call from +15550001101.\n"


ASKS_THE_NUMBER = """
    from host import hookimpl

    @hookimpl
    def instructions(call):
        return "Help the caller."

    @hookimpl
    def greeting(call):
        return f"You call from {call.number}."
    """


async def test_a_persona_gets_its_details(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_PERSONAS_DIR", str(EXAMPLE_PERSONAS))
    await chat(said, "", "reminder", patient="Ann", time="3pm")
    assert said == ["reminder: Hello, this is Molar Dental calling for Ann."]


async def test_the_model_knows_which_persona_asks(deployment: Deployment, said: list[str]) -> None:
    for persona in ("ann", "bob"):
        deployment.persona(persona)
    deployment.write("personas/ann.rules.toml", '[[rules]]\nhears = "who"\nsays = "I am Ann."\n')
    rules = read_rules(deployment.folder / "personas", ["ann", "bob"])
    asked = "Who are you?\nWho?\n"
    async with LlmServer(rules) as model:
        told = {"HOST_OPENAI_BASE_URL": f"{model.url}/v1"}
        ann = await type_into("ann", typed=asked, folder=deployment.folder, **told)
        bob = await type_into("bob", typed=asked, folder=deployment.folder, **told)
    assert ann.splitlines()[-2:] == ["ann: I am Ann.", "ann: I am Ann."]
    first, again = bob.splitlines()[-2:]
    assert first.startswith("bob: I am the local model, and have no rules")
    assert "personas/bob.rules.toml" in first
    assert again == "bob: Sorry, could you say that again?"


async def test_the_local_model_needs_no_server(deployment: Deployment) -> None:
    deployment.persona("ann")
    deployment.write("personas/ann.rules.toml", '[[rules]]\nhears = "who"\nsays = "I am Ann."\n')
    said = await type_into(
        *("ann", "--local"),
        typed="Who are you?\nBye.\n",
        folder=deployment.folder,
        HOST_LIVEKIT_SERVER="/there/is/none",
        PATH="",
    )
    assert said.splitlines()[1:] == [
        "ann: I am Ann.",
        "tool: end_call()",
        "ann: Goodbye.",
    ]


async def test_keys_are_pressed_and_answered(deployment: Deployment, said: list[str]) -> None:
    deployment.write(
        "personas/survey.py",
        """
        from host import hookimpl

        @hookimpl
        def instructions(call):
            return "You ask."

        @hookimpl
        def greeting(call):
            return "Press a key."

        @hookimpl
        async def digit_pressed(call, digit):
            await call.hang_up(f"You pressed {digit}. Goodbye.")
        """,
    )
    await chat(said, "#5\nThis is never read.\n", "survey")
    assert said == ["survey: Press a key.", "survey: You pressed 5. Goodbye."]


async def test_a_transfer_is_told(deployment: Deployment, said: list[str]) -> None:
    deployment.persona("ann")
    deployment.write("host.toml", '[transfers]\nbilling = "+15550003333"\n')
    asked = "Put me through to billing.\nThis is never read.\n"
    await chat(said, asked, "ann")
    assert said == [
        "ann: Hello, how can I help you?",
        "tool: transfer_call(to='billing')",
        "ann: One moment please, I am connecting you to billing.",
        "host: the call was transferred to billing",
    ]


async def test_a_persona_hands_over_to_another_one_in_a_chat(
    deployment: Deployment, said: list[str]
) -> None:
    for persona in ("ann", "bob"):
        deployment.persona(persona)
    deployment.write("host.toml", "[personas.ann]\nhands_over_to = ['bob']\n")
    rules = [
        Rule(
            persona="ann",
            hears="bob",
            says="One moment.",
            calls=("hand_over", {"to": "bob", "note": "for Bob"}),
        ),
        Rule(persona="bob", hears="who", says="I am Bob."),
        Rule(persona="bob", hears="", says="Bob speaking."),  # it is its turn, unasked
    ]
    asked = "Give me Bob.\nWho are you?\n"
    await chat(said, asked, "ann", rules)
    assert said == [
        "ann: Hello, how can I help you?",
        "ann: One moment.",
        "tool: hand_over(to='bob', note='for Bob')",
        "bob: Bob speaking.",
        "bob: I am Bob.",
    ]
