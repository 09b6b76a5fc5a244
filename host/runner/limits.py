"""Enforces limits on duration, silence, holds and tool use, independently of the model."""

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
from host.speech.babble import Babble

log = logging.getLogger("host")

LAST_WORDS_LIMIT = 15.0
"""Seconds that the host's last words may take before the call ends without them."""
WORDS_PATIENCE = 1.0
"""Seconds in which the transcript of speech into the last words may arrive."""
GLANCE = 0.5
"""Seconds between checks of state that has no event."""
ENOUGH = (
    "You have used tools often enough. Use no more of them now: tell the caller in one or two "
    "sentences how things stand, and ask how to go on."
)


def watch(call: LiveCall) -> None:
    """Enforce a call's limits from its greeting to its end."""
    assert call.session is not None
    silence = Silence(call, call.session)
    running: list[asyncio.Task[Any]] = []

    def begin() -> None:
        """Begin, and begin anew with another persona: it has limits of its own."""
        for task in running:
            task.cancel()
        running[:] = [call.spawn(_hold_duration(call), "enforcing the maximum duration")]
        if call.persona_settings.silence_timeout:
            running.append(call.spawn(silence.hold(), "watching for silence"))

    begin()
    call.on_handover.append(begin)
    ToolUses(call, call.session)


async def limit_hold(call: LiveCall) -> None:
    """Say goodbye and end the call when it has been on hold for `hold_timeout`."""
    hold = call.hold
    while not call.state.connected:
        limit = call.persona_settings.hold_timeout
        if (left := limit - hold.lasted) <= 0 < limit:
            log.warning("the call was on hold for %.0f s", limit)
            await _take_leave(call)
            if hold.active:
                reason = f"the {call.state.other_party} kept the call on hold for {limit:.0f} s"
                call.end(Ending(Outcome.COMPLETED, "host", reason))
                return
            if call.first_words:
                await call.first_words.answer()
        hold.changed.clear()
        with contextlib.suppress(TimeoutError):
            waits = left if hold.active and limit else None
            await asyncio.wait_for(hold.changed.wait(), waits)


async def _take_leave(call: LiveCall) -> None:
    """Say the goodbye of a hold, and let whoever comes to the telephone meanwhile say so."""
    assert call.session is not None
    with contextlib.suppress(Exception):
        async with asyncio.timeout(LAST_WORDS_LIMIT):
            with call.hold_replies():
                await call.say(call.persona_settings.words.hold_goodbye)
                while call.hold.active and call.session.user_state == "speaking":
                    await asyncio.sleep(GLANCE)
                if call.hold.active:
                    await asyncio.sleep(WORDS_PATIENCE)


async def _hold_duration(call: LiveCall) -> None:
    """Warn shortly before the time limit, and end the call at it."""
    limit, words = call.time_limit, call.persona_settings.words
    warning = call.persona_settings.duration_warning
    if not 0 < warning < limit:
        warning = 0.0
    await asyncio.sleep(max(call.time_remaining - warning, 0))
    if warning and not (call.state.connected or call.bridged):
        with contextlib.suppress(Exception):
            # The warning may be queued behind a long reply.
            async with asyncio.timeout(max(call.time_remaining, 0)):
                if not call.hold.active:
                    await call.say(words.time_nearly_up)
    await asyncio.sleep(max(call.time_remaining, 0))
    while call.bridged:
        await asyncio.sleep(GLANCE)
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
    """Interrupt current speech, speak the last words and end the call for a host rule."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(limit):
            await say_last(call, words)
    call.end(Ending(outcome, "host", reason))


async def say_last(call: LiveCall, words: str) -> None:
    """Interrupt current speech, and speak the last words to their end."""
    with call.hold_replies():
        if call.session and call.session.current_speech:
            await call.session.interrupt(force=True)
        await call.say(words, interruptible=False)


class Silence:
    """Asks a silent caller twice whether they are there, then says goodbye."""

    def __init__(self, call: LiveCall, session: AgentSession[Any]) -> None:
        self._call, self._session = call, session
        self._babble = Babble(session)
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
                why, goodbye = "stayed silent", words.silent_goodbye
                if self._babble.long:
                    why, goodbye = "could not be understood", words.unclear_goodbye
                reason = f"the {self._call.state.other_party} {why}"
                await end_with_words(self._call, goodbye, reason)
                return
            self._prompts += 1
            # Babble would interrupt the prompt.
            await self._call.say(for_each[self._prompts - 1], interruptible=not self._babble.long)

    async def _quiet_for(self, seconds: float) -> None:
        """Return after so many seconds without speech or keys."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        while (left := seconds - (loop.time() - since)) > 0:
            self._moved.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), min(left, GLANCE))
            if self._is_active():
                since = loop.time()

    def _is_active(self) -> bool:
        if len(self._call.state.keys) != self._keys:
            self._keys, self._prompts = len(self._call.state.keys), 0
            return True
        if self._call.hold.active:
            self._prompts = 0  # whoever comes back has time again
            return True
        return (
            self._call.replies_held
            or self._call.awaits_tool
            or self._call.state.connected
            or (self._call.prompt_player is not None and self._call.prompt_player.sounds)
            or (self._session.user_state == "speaking" and not self._babble.long)
            or self._session.agent_state in ("speaking", "thinking")
        )

    def _on_words(self, event: UserInputTranscribedEvent) -> None:
        if event.transcript.strip():
            self._prompts = 0  # an empty transcript is noise and does not count
            self._moved.set()


class ToolUses:
    """Counts tool calls since the caller last spoke.

    LiveKit withholds tools for one reply after `max_tool_steps`. A model that continues anyway, or
    repeats one call, is stopped here.
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
        settings = self._call.persona_settings
        often = self._in_a_row >= settings.max_tool_calls
        if not (often or self._alike >= settings.max_same_tool) or self._call.over:
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
        """Give up if the model has no reply without tools either."""
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
