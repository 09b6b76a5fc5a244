"""What a call may not do without end: keep silent, talk on, use tools over and over.

The host holds these limits, not the model.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from livekit.agents import (
    AgentSession,
    ConversationItemAddedEvent,
    FunctionToolsExecutedEvent,
    UserInputTranscribedEvent,
    llm,
)
from livekit.agents.voice import SpeechHandle

from host.call.live import LiveCall
from host.records.ending import Ending
from host.records.outcome import Outcome

log = logging.getLogger("host")

LAST_WORDS_LIMIT = 15.0
"""Seconds that the host's last words may take before the call ends without them."""
GLANCE = 0.5
"""Seconds between two looks at what has no event of its own."""
ENOUGH = (
    "You have used tools often enough. Use no more of them now: tell the caller in one or two "
    "sentences how things stand, and ask how to go on."
)


def watch(call: LiveCall) -> None:
    """Hold a call's limits from its first words to its end."""
    assert call.session is not None
    call.spawn(_hold_duration(call), "enforcing the maximum duration")
    if call.persona_settings.silence_timeout:
        call.spawn(Silence(call, call.session).hold(), "watching for silence")
    ToolUses(call, call.session)


async def _hold_duration(call: LiveCall) -> None:
    """Warn when the time is nearly up, and end the call when it is."""
    limit, words = call.time_limit, call.persona_settings.words
    warning = call.persona_settings.duration_warning
    if not 0 < warning < limit:
        warning = 0.0
    await asyncio.sleep(max(limit - warning - call.state.lasted, 0))
    if warning:
        if call.state.connected:
            return  # two people talk with each other now
        with contextlib.suppress(Exception):
            # It may be queued behind a long answer.
            async with asyncio.timeout(max(limit - call.state.lasted, 0)):
                await call.say(words.time_nearly_up)
        await asyncio.sleep(max(limit - call.state.lasted, 0))
    if not call.state.connected:
        log.warning("the call reached its maximum duration of %.0f s", limit)
        reason = f"the call reached its maximum duration of {limit:.0f} s"
        await end_with_words(call, words.time_up, reason)


async def end_with_words(
    call: LiveCall,
    words: str,
    reason: str,
    outcome: Outcome = Outcome.COMPLETED,
    *,
    limit: float = LAST_WORDS_LIMIT,
) -> None:
    """Break off whatever is said, say the last words and end the call, by the host's own rule."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(limit):
            with call.hold_replies():
                if call.session and call.session.current_speech:
                    await call.session.interrupt(force=True)
                await call.say(words, interruptible=False)
    call.end(Ending(outcome, "host", reason))


class Silence:
    """Asks a caller who says nothing whether they are there; twice, then says goodbye."""

    def __init__(self, call: LiveCall, session: AgentSession[Any]) -> None:
        self._call, self._session = call, session
        self._moved = asyncio.Event()
        self._prompts = 0
        self._keys = 0
        session.on("user_state_changed", lambda event: self._moved.set())
        session.on("agent_state_changed", lambda event: self._moved.set())
        session.on("user_input_transcribed", self._on_words)

    async def hold(self) -> None:
        """Watch until the call is over."""
        limit, words = (
            self._call.persona_settings.silence_timeout,
            self._call.persona_settings.words,
        )
        for_each = (words.silent, words.still_silent)
        while not self._call.state.connected:
            await self._quiet_for(limit)
            if self._prompts == len(for_each):
                reason = f"the {self._call.state.other_party} stayed silent"
                await end_with_words(self._call, words.silent_goodbye, reason)
                return
            self._prompts += 1
            await self._call.say(for_each[self._prompts - 1])

    async def _quiet_for(self, seconds: float) -> None:
        """Return when nobody has said or pressed anything for so long."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        while (left := seconds - (loop.time() - since)) > 0:
            self._moved.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), min(left, GLANCE))
            if self._somebody_is_busy():
                since = loop.time()

    def _somebody_is_busy(self) -> bool:
        if len(self._call.state.keys) != self._keys:
            self._keys, self._prompts = len(self._call.state.keys), 0
            return True
        return (
            self._call.replies_held
            or self._call.state.connected
            or (self._call.prompt_player is not None and self._call.prompt_player.sounds)
            or self._session.user_state == "speaking"
            or self._session.agent_state in ("speaking", "thinking")
        )

    def _on_words(self, event: UserInputTranscribedEvent) -> None:
        if event.transcript.strip():
            self._prompts = 0  # noise that is no word is no sign of life
            self._moved.set()


class ToolUses:
    """Counts the tools that the model uses without a word of the caller's between them.

    LiveKit takes the tools away for one answer after `max_tool_steps`; a model that goes on all the
    same, or uses one tool again and again, is stopped here.
    """

    def __init__(self, call: LiveCall, session: AgentSession[Any]) -> None:
        self._call, self._session = call, session
        self._in_a_row = self._alike = 0
        self._last: tuple[str, str] | None = None
        self._stopped = False
        session.on("function_tools_executed", self._on_tools)
        session.on("conversation_item_added", self._on_item)

    def _on_tools(self, event: FunctionToolsExecutedEvent) -> None:
        for use in event.function_calls:
            self._in_a_row += 1
            this = (use.name, use.arguments)
            self._alike = self._alike + 1 if this == self._last else 1
            self._last = this
        deployment = self._call.persona_settings
        often = self._in_a_row >= deployment.max_tool_calls
        if not (often or self._alike >= deployment.max_same_tool) or self._call.over:
            return
        event.cancel_tool_reply()
        if self._stopped:
            self._give_up()
            return
        log.warning("the model called tools %d times in a row, disabling them", self._in_a_row)
        self._stopped = True
        answer = self._session.generate_reply(instructions=ENOUGH, tool_choice="none")
        answer.add_done_callback(self._on_answer)

    def _on_answer(self, answer: SpeechHandle) -> None:
        """See whether the model had anything to say when it could use no tool."""
        said = any(isinstance(item, llm.ChatMessage) for item in answer.chat_items)
        if not said and not answer.interrupted:
            self._give_up()

    def _give_up(self) -> None:
        reason = f"the model called tools {self._in_a_row} times in a row without answering"
        words = self._call.persona_settings.words.stuck
        ending = end_with_words(self._call, words, reason, Outcome.FAILED)
        self._call.spawn(ending, "ending a loop of tools")

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, llm.ChatMessage) and event.item.role == "user":
            self._in_a_row = self._alike = 0
            self._last, self._stopped = None, False
