"""Who speaks for a simulated caller: their lines, or a model that plays them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from livekit.agents import function_tool, llm

from host.cli.simulate.callers import Caller
from host.runner.text import Turn, keys_in

_PLAYED = """\
You play a person on the telephone, to test an AI assistant that answers. Never say that you are an
AI, and never help the assistant.
Your goal: {goal}
Your mood: {mood}
Speak as people do on the telephone: one or two short sentences, only what that person says. Make
up plausible details where you are asked for some, and keep to them. When your goal is reached or
out of reach, say goodbye; when nothing is left to say, call hang_up. A menu by keys is answered by
press_keys."""


@dataclass(frozen=True)
class Said:
    """Words or keys of the caller."""

    text: str = ""
    keys: str = ""


class Person(Protocol):
    """A caller in one conversation."""

    async def next(self, heard: Turn) -> Said | None:
        """Answer what the persona said; None to hang up."""
        ...


class Scripted:
    """Says its lines."""

    def __init__(self, caller: Caller) -> None:
        self._lines: Iterator[str] = iter(caller.lines)

    async def next(self, heard: Turn) -> Said | None:
        """Return the next line, whatever was heard."""
        line = next(self._lines, None)
        if line is None:
            return None
        keys = keys_in(line)
        return Said(keys=keys) if keys else Said(line)


class Played:
    """A model plays the caller."""

    def __init__(self, caller: Caller, model: llm.LLM[Any]) -> None:
        self._model = model
        self._talk = llm.ChatContext.empty()
        played = _PLAYED.format(goal=caller.goal, mood=caller.mood or "ordinary")
        self._talk.add_message(role="system", content=played)
        self._keys = ""

        async def hang_up() -> None:
            """Hang up."""

        async def press_keys(keys: str) -> None:
            """Press keys of the telephone.

            Args:
                keys: 0-9, * and #
            """
            self._keys = keys

        self._tools = llm.ToolContext([function_tool(hang_up), function_tool(press_keys)])

    async def next(self, heard: Turn) -> Said | None:
        """Let the model answer. Raises APIError."""
        self._talk.add_message(role="user", content=heard.text or "(silence)")
        tools = self._tools.flatten()
        answer = await self._model.chat(chat_ctx=self._talk, tools=tools).collect()
        self._keys = ""
        for call in answer.tool_calls:
            done = await llm.execute_function_call(call, self._tools)
            self._talk.insert([done.fnc_call, *([done.fnc_call_out] if done.fnc_call_out else [])])
        if self._keys:
            return Said(keys=self._keys)
        if answer.tool_calls or not answer.text.strip():
            return None
        self._talk.add_message(role="assistant", content=answer.text)
        return Said(answer.text.strip())
