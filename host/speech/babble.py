"""Babble: speech that lasts and of which the STT makes no words, such as a television's.

Voice activity alone would have the host wait for its end: nobody would be answered, prompted or
hung up on meanwhile.
"""

from __future__ import annotations

import asyncio
from typing import Any

from livekit.agents import AgentSession, UserInputTranscribedEvent, UserStateChangedEvent, llm

LONG = 20.0
"""Seconds from which speech without words counts as silence. An STT returns words of a person who
speaks at least when they take a breath."""
BREATH = 2.0
"""Seconds of silence that end babble."""


class Babble:
    """Tracks for how long the far end has spoken without words.

    With a realtime model there is no babble: it hears by itself, and need not return words.
    """

    def __init__(self, session: AgentSession[Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._since: float | None = None
        self._until: float | None = None
        """When voice activity ended; None while it lasts."""
        if not isinstance(session.llm, llm.RealtimeModel):
            session.on("user_state_changed", self._on_state)
            session.on("user_input_transcribed", self._on_words)

    @property
    def long(self) -> bool:
        """True once babble has lasted for LONG seconds, until it ends."""
        now = self._loop.time()
        if self._since is None or (self._until is not None and now - self._until > BREATH):
            return False
        return (self._until or now) - self._since >= LONG

    def _on_state(self, event: UserStateChangedEvent) -> None:
        now = self._loop.time()
        if event.new_state != "speaking":
            self._until = now if self._until is None else self._until
            return
        if self._since is None or (self._until is not None and now - self._until > BREATH):
            self._since = now
        self._until = None

    def _on_words(self, event: UserInputTranscribedEvent) -> None:
        if event.transcript.strip():
            self._since = self._loop.time() if self._until is None else None
