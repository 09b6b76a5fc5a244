"""Takes notes of a conversation in text, as its session tells of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from livekit.agents import (
    AgentSession,
    ConversationItemAddedEvent,
    ErrorEvent,
    FunctionToolsExecutedEvent,
    llm,
)

from host.call.live import LiveCall
from host.records.record import Utterance


class Notes:
    """What both sides say, and what has failed."""

    def __init__(self, call: LiveCall) -> None:
        self._call = call
        self.said: list[str] = []
        """What the persona has said, also off the record."""
        self.fault = ""
        """The last error of a model; empty if there was none."""

    def listen(self, session: AgentSession[Any]) -> None:
        """Take notes of a session."""
        session.on("conversation_item_added", self._on_item)
        session.on("function_tools_executed", self._on_tools)
        session.on("error", self._on_error)

    def heard(self, text: str, at: datetime) -> None:
        """Note words of the far end: in the transcript, and for a question that takes digits."""
        call, kept = self._call, self._call.unrecorded.heard(text, at)
        call.state.transcript.append(Utterance(at=at, who="caller", text=kept))
        call.transcript_changed.set()
        call.keypad.spoken.heard(text)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, llm.ChatMessage):
            return
        if item.role == "assistant":  # `host.speech.session` has added it to the transcript
            self.said.append(item.text_content or "")
        elif item.role == "user":
            self.heard(item.text_content or "", datetime.fromtimestamp(item.created_at, UTC))

    def _on_error(self, event: ErrorEvent) -> None:
        self.fault = str(getattr(event.error, "error", event.error))

    def _on_tools(self, event: FunctionToolsExecutedEvent) -> None:
        if self._call.over:  # the tool has hung up, and nobody hears what the LLM adds
            event.cancel_tool_reply()
