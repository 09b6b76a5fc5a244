"""Talking with a persona in text, as a person does in the terminal."""

import asyncio
import sys

from host.local.llm import LlmServer
from host.local.process import bare_environment
from host.local.scripts import RULES


async def chat(typed: str, *words: str) -> tuple[int, str, str]:
    """Type lines to `python -m host chat`; give its exit code, what it said, and its errors."""
    async with LlmServer(RULES) as model:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "host", "chat", *words),
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
