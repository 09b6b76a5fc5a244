"""Tracks how long the caller has been waiting for a reply, and what the reply is waiting for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
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
"""Seconds of speech after which a transcript is expected; anything shorter may be a cough.
Includes the half second by which LiveKit's VAD reports the end of speech late."""
ENDPOINTING = 4.0
"""Maximum seconds from the last word to the end of the turn: LiveKit's longest endpointing delay
and a margin."""
LOSSES = 3
"""Consecutive lost replies after which the call is given up. LiveKit closes a session only after
more, and only if no audio of them was played."""
LEFT = 0.3
"""Seconds by which the end of playout may be noticed late."""


@dataclass
class Lost:
    """A reply that a provider failed to produce."""

    kind: str
    error: str
    at: float
    speech: SpeechHandle | None
    """The speech it belonged to. Audio of it may still be played, but does not count as the
    reply."""
    again: float | None = None
    """When the reply was requested again."""


class PendingReply:
    """Tracks whether the caller is waiting for a reply, and on which provider."""

    def __init__(
        self,
        session: AgentSession[Any],
        playout: PlayoutMonitor,
        awaits_tool: Callable[[], bool] = lambda: False,
        last_result: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`last_result` returns when the STT last returned a result, by the loop's clock."""
        self._session, self._playout = session, playout
        self._awaits_tool, self._last_result = awaits_tool, last_result
        self._loop = asyncio.get_running_loop()
        self.lost: Lost | None = None
        """The failed reply; None once audio is played again."""
        self.losses = 0
        """Consecutive failures without a complete speech in between."""
        self.errors: dict[str, str] = {}
        """Last error of each provider kind."""
        self.unheard = False
        """True while speech of the caller has no transcript yet."""
        self.ever_heard = False
        """Whether the STT has ever returned a transcript; always True for a realtime model."""
        self.asked = 0
        """How often in a row the caller was asked to repeat."""
        self.tools: set[str] = set()
        """Ids of the tool calls in progress."""
        self._since: float | None = None
        self._spoke = self._began = 0.0
        self._speech: SpeechHandle | None = None
        self._words = self._said_exactly = self._llm_done = False
        session.on("agent_state_changed", self._on_our_state)
        session.on("user_state_changed", self._on_state)
        session.on("user_input_transcribed", self._on_words)
        session.on("speech_created", self._on_speech)
        session.on("tool_execution_updated", self._on_tool)
        session.on("error", self._on_error)
        self._llm: object = None
        self._tts: object = None
        self.follow_models()

    def follow_models(self) -> None:
        """Listen to the session's models: those of another persona are others."""
        if isinstance(self._llm, llm.LLM):
            self._llm.off("metrics_collected", self._on_llm_metrics)
        if isinstance(self._tts, tts.FallbackAdapter):
            self._tts.off("tts_availability_changed", self._on_tts_availability)
        self._llm, self._tts = self._session.llm, self._session.tts
        self.ever_heard = self.ever_heard or isinstance(self._llm, llm.RealtimeModel)
        if isinstance(self._llm, llm.LLM):
            self._llm.on("metrics_collected", self._on_llm_metrics)
        if isinstance(self._tts, tts.FallbackAdapter):
            self._tts.on("tts_availability_changed", self._on_tts_availability)

    def settle(self) -> None:
        """Stop the timer: the persona, the caller or the host is speaking."""
        self._since = None
        if lost := self.lost:
            another = lost.speech is None or self._playout.of is not lost.speech
            self.lost = None if another and self._playout.given > lost.at else lost
        if self._playout.sounds and self.ever_heard:
            self.unheard = False

    def age(self) -> tuple[float, float]:
        """Return two waiting times in seconds: since the caller's last word, and for the filler.

        The second is shorter if the end of the turn was detected late, and 0 while a tool runs
        beside the conversation. Both are 0 without a pending reply.
        """
        now = self._loop.time()
        if not self._is_pending():
            self._since = None
            return 0.0, 0.0
        since = self._since = self._since or now
        if self._spoke > self._playout.until:
            last = max(self._spoke, since - ENDPOINTING)
        else:
            last = max(self._playout.until, since - LEFT)
        # While a tool runs beside the conversation, the caller may well be thinking of an answer.
        return now - last, now - max(last, since - 1.0) if self._is_owed() else 0.0

    def restart_timer(self) -> None:
        """Restart the timer after words that are not the pending reply, a filler for example."""
        self._since = self._loop.time()
        self._spoke = min(self._spoke, self._playout.until)

    @property
    def idle(self) -> bool:
        """True if no speech is being produced."""
        speech = self._session.current_speech
        return (speech is None or speech.done()) and self._session.agent_state == "listening"

    @property
    def hopeless(self) -> bool:
        """True after LOSSES lost replies in a row, even if each was heard in part."""
        return self.lost is not None and self.losses >= LOSSES

    @property
    def unclear(self) -> bool:
        """True if the caller's speech has no transcript although the STT has processed it."""
        processed = self._last_result() >= self._began
        return self.unheard and self.idle and processed and self.lost is None

    @property
    def blocked_on(self) -> str:
        """The stage that the reply is waiting for: stt, llm, tts or tool."""
        if self.lost:
            return self.lost.kind
        if self.idle and self.unheard:
            return "stt"
        if self.tools:
            return "tool"
        return "tts" if self._said_exactly or self._llm_done else "llm"

    def _is_pending(self) -> bool:
        return self._is_owed() or self._awaits_tool()

    def _is_owed(self) -> bool:
        return bool(self.lost or self.unheard or not self.idle)

    def _on_state(self, event: UserStateChangedEvent) -> None:
        at = self._loop.time() - max(0.0, time.time() - event.created_at)
        if event.new_state == "speaking":
            self._began, self._words = at, False
        elif event.old_state == "speaking":
            self._spoke, self._llm_done = at, False
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
        self._llm_done = False

    def _on_llm_metrics(self, metrics: object) -> None:
        self._llm_done = True

    def _on_tool(self, event: ToolExecutionUpdatedEvent) -> None:
        if event.update.type == "tool_call_started":
            self.tools.add(event.update.function_call.call_id)
        elif event.update.type == "tool_call_ended":
            self.tools.discard(event.update.call_id)

    def _on_tts_availability(self, event: tts.AvailabilityChangedEvent) -> None:
        # A TTS that fails mid-speech ends the speech as if it was complete. If it fails before the
        # first audio, the next fallback takes over and nothing is lost.
        if not event.available and self._playout.begun:
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
        # The LLM may run ahead, for the next speech; the TTS works on the current one.
        speech = self._speech if kind == "llm" else self._session.current_speech or self._speech
        self.lost = Lost(kind, error, self._loop.time(), speech)
