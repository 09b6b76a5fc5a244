"""Tells the caller the result of each tool once, even if they speak while the tool runs.

Without this, LiveKit (1.8.9) lets a turn of the caller wait up to 5 s for the tools that the
interrupted speech has called, and replies to none of their results.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import Any

from livekit.agents import (
    Agent,
    AgentSession,
    ConversationItemAddedEvent,
    RunContext,
    SpeechCreatedEvent,
    ToolExecutionUpdatedEvent,
    llm,
)
from livekit.agents.voice import SpeechHandle

# Not exported, but documented as what `wait_for_idle` raises.
from livekit.agents.voice.agent_activity import ActivityClosedError

# Private (1.8.9): the tasks and RunContexts of running tools; a context's public `update` releases
# the conversation. A tool gets its context as an argument, but not every tool is a function of
# ours: agents and toolsets have their own.
from livekit.agents.voice.tool_executor import _RunningTasks

from host.call.live import LiveCall

RUNNING = (
    "{message} You will get its result as soon as there is one: do not call `{function_name}` "
    "again, and do not guess the result. Meanwhile, talk with the caller."
)
"""What the model reads as the result of a tool that is still running."""
UNTOLD = (
    "The caller spoke before they could hear your reply to these tool calls (call_ids: {ids}). "
    "If you have told them the results since, or they no longer want them, reply with an empty "
    "response (no text at all). Otherwise, tell them now what they have not heard."
)
HEARD = 8
"""Words of a reply after which it counts as heard: who interrupts it then has understood it."""
TRIES = 3
"""How often a reply is requested again, at most."""
GLANCE = 0.1
"""Seconds between checks of state that has no event."""


class ToolResults:
    """Watches one session's tools, and the replies to their results."""

    def __init__(self, call: LiveCall, session: AgentSession[Any]) -> None:
        self._call, self._session = call, session
        self._blocking: dict[str, Agent] = {}
        """Tool calls that hold up the conversation, each with the agent that made it."""
        self._released: set[str] = set()
        self._speeches: dict[str, SpeechHandle] = {}
        """Speeches that are not done, by id."""
        self._replies: dict[str, list[str]] = {}
        """What a speech has to tell: the ids of tool calls, by the speech's id."""
        self._untold: list[str] = []
        self._tries: Counter[str] = Counter()
        session.on("tool_execution_updated", self._on_tool)
        session.on("conversation_item_added", self._on_item)
        session.on("speech_created", self._on_speech)
        # Another persona does not know the tools of the one before, nor what they were called for.
        call.on_handover.append(self._untold.clear)

    @property
    def pending(self) -> bool:
        """True while a tool runs that no longer holds up the conversation."""
        return bool(self._released)

    @property
    def blocking(self) -> bool:
        """True while a tool holds up the conversation."""
        return bool(self._blocking)

    def _on_tool(self, event: ToolExecutionUpdatedEvent) -> None:
        update = event.update
        if update.type == "tool_call_started":
            tool_call = update.function_call.call_id
            self._blocking[tool_call] = self._session.current_agent
            self._call.spawn(self._watch(tool_call), "watching a tool")
        elif update.type == "tool_call_updated":
            self._blocking.pop(update.call_id, None)
        elif update.type == "tool_call_ended":
            self._blocking.pop(update.call_id, None)
            self._released.discard(update.call_id)
            # The result joins its speech in this turn of the loop. An interruption will mark it as
            # needing no reply, so this is read before.
            asyncio.get_running_loop().call_soon(self._expect_reply, update.call_id)
        elif update.status == "scheduled":
            self._replies[update.speech_id] = update.update_ids
            if self._call.replies_held:  # it is requested again once they are not
                self._speeches[update.speech_id].interrupt(force=True)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        # The conversation also goes on without a tool that lets nobody interrupt its speech.
        if isinstance(event.item, llm.ChatMessage) and event.item.role == "user":
            for tool_call in [*self._blocking]:
                self._call.spawn(self._release(tool_call), "releasing a tool")

    async def _watch(self, tool_call: str) -> None:
        """Release a tool as soon as the speech that called it is interrupted."""
        context = self._context(tool_call)
        while context and tool_call in self._blocking:
            if context.speech_handle.interrupted:  # this has no event
                await self._release(tool_call)
            await asyncio.sleep(GLANCE)

    async def _release(self, tool_call: str) -> None:
        """Let the conversation go on without a tool; LiveKit replies to its result later."""
        context, agent = self._context(tool_call), self._blocking.get(tool_call)
        if context is None or agent is not self._session.current_agent:
            return  # it has ended, or a task of the tool has the conversation
        self._released.add(tool_call)
        await context.update("The tool is still running.", template=RUNNING, silent=True)

    def _context(self, tool_call: str) -> RunContext[Any] | None:
        running = _RunningTasks.get(self._session, {}).get(tool_call)
        return running.ctx if running and not running.exe_task.done() else None

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        speech = event.speech_handle
        self._speeches[speech.id] = speech
        speech.add_done_callback(self._on_done)

    def _expect_reply(self, tool_call: str) -> None:
        for speech in self._speeches.values():
            for result in _results(speech):
                if result.call_id == tool_call and result.reply_required:
                    self._replies.setdefault(speech.id, []).append(tool_call)

    def _on_done(self, speech: SpeechHandle) -> None:
        self._speeches.pop(speech.id, None)
        told = self._replies.pop(speech.id, [])
        if not (told and speech.interrupted) or self._call.over:
            return
        if isinstance(self._session.llm, llm.RealtimeModel):
            return  # it knows what was heard, and could not reply with silence
        if _words_since_results(speech) >= HEARD:
            return
        again = [each for each in told if self._tries[each] < TRIES]
        self._tries.update(again)
        if again and not self._untold:
            self._call.spawn(self._tell_again(), "telling a tool's result again")
        self._untold += again

    async def _tell_again(self) -> None:
        """Let the model reply to results once nobody speaks; it knows what was heard."""
        call = self._call
        with contextlib.suppress(ActivityClosedError, RuntimeError):  # the session is closing
            await self._session.wait_for_idle()
            while call.replies_held or call.hold.active:
                await asyncio.sleep(GLANCE)
                await self._session.wait_for_idle()
            ids = [*self._untold]
            self._untold.clear()
            if ids and not (call.over or call.giving_up or call.state.connected):
                rule = UNTOLD.format(ids=ids)
                speech = self._session.generate_reply(instructions=rule, tool_choice="none")
                self._replies[speech.id] = ids


def _results(speech: SpeechHandle) -> list[llm.FunctionCallOutput]:
    return [item for item in speech.chat_items if isinstance(item, llm.FunctionCallOutput)]


def _words_since_results(speech: SpeechHandle) -> int:
    """Count the words that were heard of a speech after its last result."""
    last = max((result.created_at for result in _results(speech)), default=0.0)
    messages = (item for item in speech.chat_items if isinstance(item, llm.ChatMessage))
    texts = (message.text_content or "" for message in messages if message.created_at >= last)
    return sum(len(text.split()) for text in texts)
