"""Records the model's tool calls, each once, with the result that the model has read in the end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from livekit.agents import (
    AgentSession,
    FunctionToolsExecutedEvent,
    ToolExecutionUpdatedEvent,
    llm,
)

from host.call.live import LiveCall
from host.records.record import ToolUse


class ToolLog:
    """Appends tool calls to a call's state.

    A tool that runs on after a progress update has an empty result until it ends.
    """

    def __init__(self, call: LiveCall, session: AgentSession[Any]) -> None:
        self._call, self._session = call, session
        self._running: set[str] = set()
        self._unrecorded: set[str] = set()
        """Calls that began while nothing was recorded."""
        self._unfinished: dict[str, ToolUse] = {}
        session.on("function_tools_executed", self._on_executed)
        session.on("tool_execution_updated", self._on_update)

    def _on_executed(self, event: FunctionToolsExecutedEvent) -> None:
        for used, result in event.zipped():
            runs_on = used.call_id in self._running
            use = ToolUse(
                at=datetime.fromtimestamp(event.created_at, UTC),
                name=used.name,
                arguments=self._written(used.arguments, used.call_id),
                result="" if runs_on or not result else self._written(result.output, used.call_id),
                failed=bool(result and result.is_error),
            )
            self._call.state.tools.append(use)
            if runs_on:
                self._unfinished[used.call_id] = use
            else:
                self._tell_end(used.call_id, use)

    def _on_update(self, event: ToolExecutionUpdatedEvent) -> None:
        update = event.update
        if update.type == "tool_call_started":
            used = update.function_call
            self._running.add(used.call_id)
            if self._call.off_record:
                self._unrecorded.add(used.call_id)
            if events := self._call.live_events:
                arguments = self._written(used.arguments, used.call_id)
                events.tool_started(used.call_id, used.name, arguments)
        elif update.type == "tool_call_ended":
            self._running.discard(update.call_id)
            use = self._unfinished.pop(update.call_id, None)
            result = self._result(update.id)
            if use is not None and result is not None:
                use.at = datetime.fromtimestamp(event.created_at, UTC)
                use.result = self._written(result.output, update.call_id)
                use.failed = result.is_error
            if use is not None:
                self._tell_end(update.call_id, use)

    def _tell_end(self, call_id: str, use: ToolUse) -> None:
        if events := self._call.live_events:
            events.tool_ended(call_id, use)

    def _written(self, text: str, call_id: str) -> str:
        """Return a tool's arguments or result as the record may have it."""
        unrecorded = self._call.off_record or call_id in self._unrecorded
        return "" if unrecorded else self._call.keypad.hide(text)

    def _result(self, entry: str) -> llm.FunctionCallOutput | None:
        """Return the result that ended a tool which ran on; None if it was cancelled."""
        for item in reversed(self._session.history.items):
            if isinstance(item, llm.FunctionCallOutput) and item.call_id == entry:
                return item
        return None
