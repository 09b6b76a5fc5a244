"""Shows a conversation in text in the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from host import registry
from host.base.errors import HostError, PersonaError
from host.call.state import CallState
from host.cli import persona_names
from host.cli.local_llm import Llm
from host.cli.running import end_line
from host.dispatch.details import parse_details
from host.records.outcome import Outcome
from host.runner.text import Conversation, TextCall, Turn, converse, keys_in
from host.settings import Settings


async def chat(
    settings: Settings,
    persona: str,
    details: Mapping[str, Any],
    *,
    number: str | None = None,
    llm: Llm | None = None,
    ask: Callable[[], str | None],
    show: Callable[[str, str], None],
) -> None:
    """Talk with a persona until it hangs up or there is nothing left to ask.

    `number` is the far end's. `ask` returns the next line, None at the end; `#5` presses a key.
    `show` gets who spoke and what. `llm` answers in place of the persona's own. Raises HostError,
    also where the persona's own code fails: one line that says where.
    """
    loaded = registry.load(settings)
    try:
        state = CallState(id="chat", room="chat", number=number, metadata=dict(details))
        call = TextCall(settings, state, persona=persona, hooks=loaded.view(persona), llm=llm)
        call.details = parse_details(call.hooks, details)
        async with converse(call) as talk:
            await _talk(talk, ask, show)
    except HostError:
        raise
    except Exception as error:
        place = persona_names.where(error, loaded)
        raise PersonaError(f"persona {persona} failed: {place}") from error


async def _talk(
    talk: Conversation, ask: Callable[[], str | None], show: Callable[[str, str], None]
) -> None:
    _show(talk, talk.greeting, show)
    while not talk.over:
        line = await wait_for_line(ask)
        if line is None:
            return
        if keys := keys_in(line):
            _show(talk, await talk.press(keys), show)
        elif line.strip():
            _show(talk, await talk.say(line), show)
    if talk.ending.outcome is not Outcome.COMPLETED:
        show("host", talk.ending.reason)


def _show(talk: Conversation, turn: Turn, show: Callable[[str, str], None]) -> None:
    told = list(turn.said)
    for event in turn.events:
        if event.type == "message" and event.item.role == "assistant":
            text = event.item.text_content or ""
            show(talk.persona_at(datetime.fromtimestamp(event.item.created_at, UTC)), text)
            if text in told:
                told.remove(text)
        elif event.type == "function_call":
            arguments = json.loads(event.item.arguments or "{}")
            given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
            show("tool", f"{event.item.name}({given})")
        elif event.type == "function_call_output" and event.item.is_error:
            show("tool", event.item.output)
    for text in told:  # exact words, which LiveKit does not count among the LLM's
        show(talk.call.persona, text)
    if turn.keys:
        show("keys", turn.keys)


async def wait_for_line(ask: Callable[[], str | None]) -> str | None:
    """Wait for the next line that `ask` returns, in a thread that holds nothing up.

    It is a daemon: nobody can interrupt a thread that waits for a person to type, and the loop
    would wait for one of its own after Ctrl-C.
    """
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[str | None] = loop.create_future()

    def answer(settle: Callable[[Any], None], value: Any) -> None:
        if not asked.done():
            settle(value)

    def read() -> None:
        settle: Callable[[Any], None] = asked.set_result
        value: Any = None
        try:
            value = ask()
        except Exception as error:
            settle, value = asked.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop is gone
            loop.call_soon_threadsafe(answer, settle, value)

    threading.Thread(target=read, daemon=True).start()
    return await asked


def ask_terminal() -> str | None:
    """Ask for a line; None at the end of input."""
    try:
        return input("you: " if sys.stdin.isatty() else "")
    except EOFError:
        end_line()
        return None
