"""A conversation with a persona in text, in the terminal: its words, tools and hooks, no line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from livekit.agents import AgentSession
from livekit.agents.testing import fake_job_context
from livekit.agents.voice.run_result import RunResult

from host import registry
from host.base.errors import HostError, PersonaError
from host.call.live import LiveCall
from host.call.state import CallState
from host.cli import persona_names
from host.cli.running import end_line
from host.dispatch.details import parse_details
from host.settings import Settings
from host.speech.greeting import greeting_of
from host.speech.session import explain_data, make_session

HANG_UP_LIMIT = 3.0
"""Seconds that a session may take to close after a tool has hung up."""


async def chat(
    settings: Settings,
    persona: str,
    details: Mapping[str, Any],
    *,
    ask: Callable[[], str | None],
    show: Callable[[str, str], None],
) -> None:
    """Talk with a persona until it hangs up or there is nothing left to ask.

    `ask` returns the next line, None at the end; `show` gets who spoke and what. Raises HostError,
    also where the persona's own code fails: one line that says where.
    """
    loaded = registry.load(settings)
    try:
        await _chat(settings, loaded, persona, details, ask, show)
    except HostError:
        raise
    except Exception as error:
        place = persona_names.where(error, loaded)
        raise PersonaError(f"persona {persona} failed: {place}") from error


async def _chat(
    settings: Settings,
    loaded: registry.Registry,
    persona: str,
    details: Mapping[str, Any],
    ask: Callable[[], str | None],
    show: Callable[[str, str], None],
) -> None:
    hooks = loaded.view(persona)
    state = CallState(id="chat", room="chat", metadata=dict(details))
    call = LiveCall(settings, state, persona=persona, hooks=hooks)
    call.details = parse_details(call.hooks, details)
    await call.events.emit_and_wait("prepare_call")
    with fake_job_context():
        session, agent = make_session(call, text=True)
        await explain_data(agent)
        async with session:
            await _talk(call, session, agent, ask, show)


async def _talk(
    call: LiveCall,
    session: AgentSession[Any],
    agent: Any,
    ask: Any,
    show: Callable[[str, str], None],
) -> None:
    call.state.greeted = True
    await session.start(agent)
    greeting = greeting_of(call)
    if words := f"{greeting.notice} {greeting.text}".strip():
        agent_context = agent.chat_ctx.copy()
        agent_context.add_message(role="assistant", content=words)
        await agent.update_chat_ctx(agent_context)
        show(call.persona, words)
    while not call.over:
        line = await wait_for_line(ask)
        if line is None:
            return
        if line.strip():
            result: RunResult[Any] = await session.run(user_input=line)
            _show(result, call.persona, show)
            if any(event.type == "function_call" for event in result.events):
                # A tool may have hung up: the session tells so a moment after the goodbye.
                await asyncio.wait({call.ending}, timeout=HANG_UP_LIMIT)


def _show(result: RunResult[Any], persona: str, show: Callable[[str, str], None]) -> None:
    for event in result.events:
        if event.type == "message" and event.item.role == "assistant":
            show(persona, event.item.text_content or "")
        elif event.type == "function_call":
            arguments = json.loads(event.item.arguments or "{}")
            given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
            show("tool", f"{event.item.name}({given})")
        elif event.type == "function_call_output" and event.item.is_error:
            show("tool", event.item.output)


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
