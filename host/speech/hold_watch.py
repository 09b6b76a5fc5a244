"""Listens for words that put the call on hold, and for words that end the hold.

`host.call.hold` keeps the state; `host.call.hold_phrases` tells a hold from words that sound alike.
"""

from __future__ import annotations

import asyncio
import contextlib
from difflib import SequenceMatcher
from typing import Any

from livekit.agents import AgentSession, UserInputTranscribedEvent, UserStateChangedEvent

from host.call.hold_phrases import hold_in, is_addressed, is_recorded
from host.call.live import LiveCall

LONG = 4
"""Words from which an utterance that comes again may be a recording: people repeat shorter ones."""
ALIKE = 0.85
"""Similarity of two transcripts of one recording, from 0 to 1."""
SENTENCE_LIMIT = 5.0
"""Seconds that the far end gets to finish the sentence that ends the hold."""


class HoldWatch:
    """Puts one call on hold and resumes it, by what the far end says.

    What a queue plays between its announcements ("Did you know that ...?") ends the hold once. It
    is a recording if an announcement follows it, and then no longer counts when it comes again.
    """

    def __init__(self, call: LiveCall, session: AgentSession[Any]) -> None:
        self._call, self._session = call, session
        self._recorded: list[str] = []
        self._last = ""
        self._since: list[str] = []
        self._quiet = asyncio.Event()
        session.on("user_input_transcribed", self._on_words)
        session.on("user_state_changed", self._on_state)

    async def over(self) -> str:
        """Wait until the hold is over and the far end pauses; return its words since."""
        hold = self._call.hold
        while hold.active:
            await hold.over()
            with contextlib.suppress(TimeoutError):
                if self._session.user_state == "speaking":
                    self._quiet.clear()
                    await asyncio.wait_for(self._quiet.wait(), SENTENCE_LIMIT)
        return " ".join(self._since)

    def _on_state(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._call.hold.suppressed = False
        else:
            self._quiet.set()

    def _on_words(self, event: UserInputTranscribedEvent) -> None:
        words, state = event.transcript.strip(), self._call.state
        if not (event.is_final and words and state.answered) or state.connected:
            return
        hold = self._call.hold
        if phrase := hold_in(words):
            if is_recorded(words) and not hold.active:
                self._remember(self._last)
            self._since.clear()
            hold.begin(repr(phrase) if self._call.settings.log_transcripts else "it said so")
        elif not (hold.active and self._comes_again(words)):
            self._since.append(words)
            answered = not (hold.active and hold.suppressed)
            hold.end("somebody speaks")
            if not answered:  # a realtime model was to reply before its transcript came
                self._session.generate_reply()
        self._last = words

    def _remember(self, words: str) -> None:
        if len(words.split()) >= LONG and not is_addressed(words):
            self._recorded.append(words.lower())

    def _comes_again(self, words: str) -> bool:
        heard = words.lower()
        return any(SequenceMatcher(None, heard, old).ratio() >= ALIKE for old in self._recorded)
