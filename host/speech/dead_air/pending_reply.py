"""Whether the far end waits for a word of ours, since when, and who owes it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    ErrorEvent,
    SpeechCreatedEvent,
    ToolExecutionUpdatedEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
    llm,
    stt,
    tts,
)
from livekit.agents.voice import SpeechHandle

from host.speech.dead_air.playout import PlayoutMonitor

WORDS = 1.5
"""Seconds of speech that must have words in them: shorter ones are a cough. LiveKit's VAD says
half a second late that somebody has stopped."""
ENDPOINTING = 4.0
"""Seconds that a turn may take to be over after its last word: LiveKit's longest, and some."""
LOSSES = 3
"""How often in a row a reply may be lost. LiveKit closes a session after more, and only where
nothing at all was heard of them."""
LEFT = 0.3
"""Seconds by which it may be noticed late that the voice sounds no more."""


@dataclass
class Lost:
    """A word that a provider has failed to bring."""

    kind: str
    error: str
    at: float
    speech: SpeechHandle | None
    """The speech that it was for. What was made of it before may still come, and is no answer."""
    again: float | None = None
    """When it was asked for again."""


class PendingReply:
    """Knows whether the far end waits for a word of ours."""

    def __init__(self, session: AgentSession[Any], voice: PlayoutMonitor) -> None:
        self._session, self._voice = session, voice
        self._loop = asyncio.get_running_loop()
        self.lost: Lost | None = None
        """What failed, until the voice sounds again."""
        self.losses = 0
        """How often in a row something failed, with no whole speech between."""
        self.errors: dict[str, str] = {}
        """The last error of each provider."""
        self.unheard = False
        """True while the far end has said something that the STT made no words of."""
        self.ever_heard = isinstance(session.llm, llm.RealtimeModel)
        """Whether the STT has made words of anything; a realtime model needs none."""
        self.asked = 0
        """How often in a row the far end was asked to say something again."""
        self.tools: set[str] = set()
        """The tools that run."""
        self._since: float | None = None
        self._spoke = self._began = 0.0
        self._speech: SpeechHandle | None = None
        self._words = self._said_exactly = self._thought = False
        session.on("agent_state_changed", self._on_our_state)
        session.on("user_state_changed", self._on_state)
        session.on("user_input_transcribed", self._on_words)
        session.on("speech_created", self._on_speech)
        session.on("tool_execution_updated", self._on_tool)
        session.on("error", self._on_error)
        if isinstance(session.llm, llm.LLM):
            session.llm.on("metrics_collected", self._on_thought)
        if isinstance(session.tts, tts.FallbackAdapter):
            session.tts.on("tts_availability_changed", self._on_voice)

    def settle(self) -> None:
        """Nobody waits: we speak, or they do, or the host has the word."""
        self._since = None
        if lost := self.lost:
            another = lost.speech is None or self._voice.of is not lost.speech
            self.lost = None if another and self._voice.given > lost.at else lost
        if self._voice.sounds and self.ever_heard:
            self.unheard = False

    def age(self) -> tuple[float, float]:
        """Return how many seconds the far end has waited, from its last word and to be polite.

        The second is shorter where it took long to be sure that the far end had finished; both are
        0 where nobody waits.
        """
        now = self._loop.time()
        if not self._owed():
            self._since = None
            return 0.0, 0.0
        since = self._since = self._since or now
        if self._spoke > self._voice.until:
            last = max(self._spoke, since - ENDPOINTING)
        else:
            last = max(self._voice.until, since - LEFT)
        return now - last, now - max(last, since - 1.0)

    def restart_timer(self) -> None:
        """Begin to count anew: a word was said, if not the one that is owed."""
        self._since = self._loop.time()
        self._spoke = min(self._spoke, self._voice.until)

    @property
    def idle(self) -> bool:
        """True where nobody is about to bring a word."""
        speech = self._session.current_speech
        return (speech is None or speech.done()) and self._session.agent_state == "listening"

    @property
    def hopeless(self) -> bool:
        """True where one reply after the other is lost, though each may be heard in part."""
        return self.lost is not None and self.losses >= LOSSES

    @property
    def blocked_on(self) -> str:
        """Who owes the word: stt, llm, tts, or a tool."""
        if self.lost:
            return self.lost.kind
        if self.idle and self.unheard:
            return "stt"
        if self.tools:
            return "tool"
        return "tts" if self._said_exactly or self._thought else "llm"

    def _owed(self) -> bool:
        return bool(self.lost or self.unheard or not self.idle)

    def _on_state(self, event: UserStateChangedEvent) -> None:
        at = self._loop.time() - max(0.0, time.time() - event.created_at)
        if event.new_state == "speaking":
            self._began, self._words = at, False
        elif event.old_state == "speaking":
            self._spoke, self._thought = at, False
            if not self._words and at - self._began >= WORDS:
                self.unheard = True

    def _on_our_state(self, event: AgentStateChangedEvent) -> None:
        if event.old_state == "speaking" and self.lost is None:
            self.losses = 0

    def _on_words(self, event: UserInputTranscribedEvent) -> None:
        if event.is_final and event.transcript.strip():
            self._words = self.ever_heard = True
            self.unheard, self.asked = False, 0

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        self._speech = event.speech_handle
        self._said_exactly = event.source == "say"
        self._thought = False

    def _on_thought(self, metrics: object) -> None:
        self._thought = True

    def _on_tool(self, event: ToolExecutionUpdatedEvent) -> None:
        if event.update.type == "tool_call_started":
            self.tools.add(event.update.function_call.call_id)
        elif event.update.type == "tool_call_ended":
            self.tools.discard(event.update.call_id)

    def _on_voice(self, event: tts.AvailabilityChangedEvent) -> None:
        # A voice that fails in the middle of a speech ends it as if it had been spoken; one that
        # fails before it is followed by the next, and nothing is lost.
        if not event.available and self._voice.begun:
            self._lose("tts", f"{event.tts.label} failed")

    def _on_error(self, event: ErrorEvent) -> None:
        kinds = ((llm.LLMError, "llm"), (tts.TTSError, "tts"), (stt.STTError, "stt"))
        kind = next((kind for of, kind in kinds if isinstance(event.error, of)), None)
        if kind is None:
            return
        problem = getattr(event.error, "error", event.error)
        self.errors[kind] = str(problem) or type(problem).__name__
        if kind != "stt" and not getattr(event.error, "recoverable", True):
            self._lose(kind, self.errors[kind])

    def _lose(self, kind: str, error: str) -> None:
        self.losses += 1
        # A model may think ahead of a speech that is still to come; a voice speaks one at a time.
        speech = self._speech if kind == "llm" else self._session.current_speech or self._speech
        self.lost = Lost(kind, error, self._loop.time(), speech)
