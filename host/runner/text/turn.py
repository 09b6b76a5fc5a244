"""What a persona did in one turn of a text conversation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from livekit.agents.voice.run_result import RunAssert, RunEvent, RunResult

from host.call.state import CallState


class ToolCall(NamedTuple):
    """A tool that the LLM called; equal to a tuple of name and arguments."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Turn:
    """What the persona said and did, from the caller's words or keys until it waits again."""

    said: Sequence[str]
    """Its utterances, in order."""
    tools: Sequence[ToolCall]
    """The tools that the LLM called, in order."""
    transfers: Sequence[str]
    """Names of the targets to which a transfer was tried, in order."""
    keys: str
    """Keys that it pressed."""
    result: RunResult[Any] | None = None
    """LiveKit's result; None after keys, and where the LLM was not asked."""

    @property
    def text(self) -> str:
        """All that it said, as one text."""
        return " ".join(self.said)

    @property
    def expect(self) -> RunAssert:
        """LiveKit's assertions: `turn.expect.next_event().is_message(role="assistant")`.

        Raises AssertionError if the LLM was not asked.
        """
        if self.result is None:
            raise AssertionError("the LLM was not asked in this turn, so LiveKit has no events")
        return self.result.expect

    @property
    def events(self) -> Sequence[RunEvent]:
        """LiveKit's events: messages, tool calls and their results."""
        return self.result.events if self.result else ()


@dataclass(frozen=True)
class Mark:
    """How far a call's state had come when a turn began."""

    said: int
    transcript: int
    tools: int
    transfers: int
    keys: int

    @classmethod
    def of(cls, state: CallState, said: Sequence[str]) -> Mark:
        """Note how far it is now; `said` is what the persona has said, also off the record."""
        parts = said, state.transcript, state.tools, state.transfers, state.keys
        return cls(*map(len, parts))

    def turn(
        self, state: CallState, said: Sequence[str], result: RunResult[Any] | None = None
    ) -> Turn:
        """Return what the persona has done since."""
        keys = (key.digit for key in state.keys[self.keys :] if key.who == "persona")
        return Turn(
            said[self.said :],
            [
                ToolCall(tool.name, json.loads(tool.arguments or "{}"))
                for tool in state.tools[self.tools :]
            ],
            list(dict.fromkeys(each.to for each in state.transfers[self.transfers :])),
            "".join(keys),
            result,
        )
