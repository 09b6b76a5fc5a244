"""Talking with a persona in text, as a person does in the terminal."""

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path

from deployment import Deployment

from host.local.llm import LlmServer
from host.local.process import bare_environment
from host.local.rule_files import read_rules
from host.local.rules import Rule
from host.local.scripts import RULES


async def chat(
    typed: str, *words: str, folder: Path | None = None, rules: Iterable[Rule] = RULES
) -> tuple[int, str, str]:
    """Type lines to `python -m host chat`; give its exit code, what it said, and its errors."""
    async with LlmServer(rules) as model:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "host", "chat", *words),
            cwd=folder,
            env={**bare_environment(), "HOST_OPENAI_BASE_URL": f"{model.url}/v1"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await asyncio.wait_for(process.communicate(typed.encode()), 60)
        assert process.returncode is not None
        return process.returncode, out.decode(), errors.decode()


async def test_a_persona_greets_answers_and_hangs_up() -> None:
    code, said, _ = await chat(
        "What are your opening hours?\nThank you, goodbye.\nThis is never read.\n", "receptionist"
    )
    assert code == 0
    assert said.splitlines() == [
        "receptionist: Molar Dental, good morning. How can I help you?",
        "receptionist: We are open from nine to five, Monday to Friday.",
        "tool: end_call()",
        "receptionist: Goodbye.",
    ]


async def test_a_persona_gets_its_details() -> None:
    code, said, _ = await chat("", "reminder", "patient=Ann", "time=3pm")
    assert code == 0
    assert said == "reminder: Hello, this is Molar Dental calling for Ann.\n"


async def test_details_that_do_not_fit_are_one_line() -> None:
    code, said, errors = await chat("", "reminder", "patient=Ann")
    assert (code, said) == (1, "")
    assert errors == "host: the metadata is invalid: time is missing (add time=...)\n"


async def test_a_persona_that_is_not_there_is_one_line() -> None:
    code, _, errors = await chat("", "nobody")
    assert code == 1
    assert errors.startswith("host: there is no persona 'nobody'")
    assert len(errors.splitlines()) == 1


async def test_the_model_knows_which_persona_asks(deployment: Deployment) -> None:
    for persona in ("ann", "bob"):
        deployment.persona(persona)
    deployment.write("personas/ann.rules.toml", '[[rules]]\nhears = "who"\nsays = "I am Ann."\n')
    rules = read_rules(deployment.folder / "personas", ["ann", "bob"])
    asked = "Who are you?\nWho?\n"
    _, said, _ = await chat(asked, "ann", folder=deployment.folder, rules=rules)
    assert said.splitlines()[-2:] == ["ann: I am Ann.", "ann: I am Ann."]
    _, said, _ = await chat(asked, "bob", folder=deployment.folder, rules=rules)
    first, again = said.splitlines()[-2:]
    assert first.startswith("bob: I am the local model, and have no rules")
    assert "personas/bob.rules.toml" in first
    assert again == "bob: Sorry, could you say that again?"


async def test_the_local_model_needs_no_server(deployment: Deployment) -> None:
    deployment.persona("ann")
    deployment.write("personas/ann.rules.toml", '[[rules]]\nhears = "who"\nsays = "I am Ann."\n')
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "host", "chat", "ann", "--local"),
        cwd=deployment.folder,
        env={**bare_environment(), "HOST_LIVEKIT_SERVER": "/there/is/none", "PATH": ""},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(b"Who are you?\nBye.\n"), 60)
    assert out.decode().splitlines()[1:] == [
        "ann: I am Ann.",
        "tool: end_call()",
        "ann: Goodbye.",
    ]


async def test_keys_are_pressed_and_answered(deployment: Deployment) -> None:
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
    code, said, _ = await chat("#5\nThis is never read.\n", "survey", folder=deployment.folder)
    assert code == 0
    assert said.splitlines() == ["survey: Press a key.", "survey: You pressed 5. Goodbye."]


async def test_a_transfer_is_told(deployment: Deployment) -> None:
    deployment.persona("ann")
    deployment.write("host.toml", '[transfers]\nbilling = "+15550003333"\n')
    asked = "Put me through to billing.\nThis is never read.\n"
    code, said, _ = await chat(asked, "ann", folder=deployment.folder)
    assert code == 0
    assert said.splitlines() == [
        "ann: Hello, how can I help you?",
        "tool: transfer_call(to='billing')",
        "ann: One moment please, I am connecting you to billing.",
        "host: the call was transferred to billing",
    ]


async def test_a_persona_hands_over_to_another_one_in_a_chat(deployment: Deployment) -> None:
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
    _, said, _ = await chat(asked, "ann", folder=deployment.folder, rules=rules)
    assert said.splitlines() == [
        "ann: Hello, how can I help you?",
        "ann: One moment.",
        "tool: hand_over(to='bob', note='for Bob')",
        "bob: Bob speaking.",
        "bob: I am Bob.",
    ]
