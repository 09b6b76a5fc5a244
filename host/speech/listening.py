"""Listens to what the STT returns, before LiveKit's session does: backchannels end here.

LiveKit (1.8.9) interrupts the persona at any final transcript, and answers it. It has a filter of
its own only in LiveKit Cloud (`mode: adaptive`). So a backchannel never reaches the session as a
turn: it is in the record and in the captions, and the persona speaks on. Other words interrupt at
once, from the first interim transcript on, because `PATIENCE` makes voice activity alone wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import re
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import Any

from livekit import rtc
from livekit.agents import (
    Agent,
    AgentSession,
    AgentStateChangedEvent,
    ModelSettings,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
    llm,
    stt,
)
from livekit.agents.voice import SpeechHandle

from host.call.live import LiveCall
from host.speech.backchannel import Backchannels
from host.speech.first_words import hear

log = logging.getLogger("host")

PATIENCE: Mapping[str, Any] = {
    "turn_handling": {
        "interruption": {
            # Voice activity pauses the persona after so many seconds, LiveKit's 0.25 s of silence
            # included: most backchannels are shorter, and leave no gap. A pause costs more than its
            # length, because LiveKit drops the 0.2 s of sound that are on their way.
            "min_duration": 1.5,
            # It speaks on after so many seconds without words: sooner than LiveKit's 2 s.
            "false_interruption_timeout": 1.0,
        }
    }
}
"""Options of a session whose backchannels are recognised by their words."""
BOUNDARY = 1.0
"""Seconds before the end of the persona's speech from which "yes" is a reply to it."""
SETTLING = 0.05
"""Seconds in which the next speech, if one is queued, has begun."""
_TRANSCRIPTS = (
    stt.SpeechEventType.INTERIM_TRANSCRIPT,
    stt.SpeechEventType.PREFLIGHT_TRANSCRIPT,
    stt.SpeechEventType.FINAL_TRANSCRIPT,
)
_RESULTS = (stt.SpeechEventType.FINAL_TRANSCRIPT, stt.SpeechEventType.END_OF_SPEECH)


def recognises_backchannels(call: LiveCall, options: Mapping[str, Any]) -> bool:
    """Return whether the host handles backchannels, by a session's options.

    Not if the persona handles interruptions in another way: by LiveKit's adaptive mode, by a
    number of words, or not at all.
    """
    handling = options.get("turn_handling") or {}
    interruption = handling.get("interruption") or {}
    return (
        call.persona_settings.ignore_backchannels
        and interruption.get("mode") == "vad"
        and interruption.get("enabled", True)
        and not interruption.get("min_words")
        and handling.get("turn_detection") != "manual"
    )


class Listening:
    """Passes the STT's events to the session, except backchannels while the persona speaks."""

    def __init__(
        self, call: LiveCall, session: AgentSession[Any], *, backchannels: bool = True
    ) -> None:
        self._call, self._session = call, session
        self.recognises = backchannels
        """Whether the persona that has the call wants backchannels recognised."""
        self._phrases: Backchannels | None = None
        self._know_phrases()
        call.on_handover.append(self._know_phrases)
        self.last_result = 0.0
        """When the STT last returned what it made of speech, be it nothing, by the loop's clock."""
        self.reporting = False
        """True while a transcript is reported that is a backchannel, and needs no answer."""
        self._talking: SpeechHandle | None = None
        self._began = 0.0
        self._kept: list[tuple[float, str]] = []
        self._heard = False
        """Whether what the far end says now, or said last, was a backchannel."""
        session.on("agent_state_changed", self._on_state)
        session.on("user_state_changed", self._on_user_state)

    def _know_phrases(self) -> None:
        """Know the backchannels of the persona that has the call."""
        settings = self._call.persona_settings
        further = settings.words.backchannels
        self._phrases = Backchannels(settings.language, further) if self.recognises else None

    def attach(self, agent: Agent) -> None:
        """Listen to an agent's STT, before the session starts with the agent."""
        node = agent.stt_node

        async def listened(
            audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
        ) -> AsyncIterator[stt.SpeechEvent | str]:
            given = node(audio, model_settings)
            events = await given if inspect.iscoroutine(given) else given
            if not isinstance(events, AsyncIterable):
                return
            async with contextlib.AsyncExitStack() as closing:
                if inspect.isasyncgen(events):
                    await closing.enter_async_context(contextlib.aclosing(events))
                async for event in events:
                    if isinstance(event, stt.SpeechEvent):
                        if event.type in _RESULTS:
                            self.last_result = _now()
                        if self._holds(event):
                            continue
                    yield event

        agent.stt_node = listened  # type: ignore[method-assign]

    def _holds(self, event: stt.SpeechEvent) -> bool:
        """Hold a transcript back if it is a backchannel; interrupt the persona if it is not."""
        if self._phrases is None or event.type not in _TRANSCRIPTS or not event.alternatives:
            return False
        text = event.alternatives[0].text
        tools = self._call.tool_results
        waits = tools is not None and tools.blocking
        if not text.strip() or not (waits or self._is_talking()):
            return False
        if event.type is not stt.SpeechEventType.FINAL_TRANSCRIPT:
            if self._phrases.may_become(text):
                return True
            if self._session.agent_state == "speaking":
                with contextlib.suppress(RuntimeError):  # the session is closing
                    self._session.interrupt()
            return False
        if not self._phrases.match(text):
            return False
        self._keep(text, event.alternatives[0])
        return True

    def _keep(self, text: str, data: stt.SpeechData) -> None:
        """Report a backchannel like any transcript, but not as a turn."""
        self._kept.append((_now(), text))
        heard = UserInputTranscribedEvent(
            language=data.language, transcript=text, is_final=True, speaker_id=data.speaker_id
        )
        self.reporting = True
        try:
            self._session.emit("user_input_transcribed", heard)
        finally:
            self.reporting = False
        self._heard = True
        self._unpause()

    def _unpause(self) -> None:
        """Speak on at once after a backchannel so long that voice activity paused the persona.

        LiveKit would wait for `false_interruption_timeout`.
        """
        session = self._session
        paused = session.agent_state == "listening" and self._is_talking()
        if paused and session.user_state != "speaking" and session.output.audio:
            session.output.audio.resume()

    def _is_talking(self) -> bool:
        """Return whether the persona is in the middle of speech that it would break off.

        Also while it is paused.
        """
        speech = self._session.current_speech
        return (
            speech is not None
            and speech is self._talking
            and speech.allow_interruptions
            and not (speech.done() or speech.interrupted)
        )

    def _on_state(self, event: AgentStateChangedEvent) -> None:
        speech = self._session.current_speech
        if event.new_state != "speaking" or speech is None:
            return
        if speech is not self._talking or event.old_state == "thinking":
            self._began = _now()  # otherwise it was only paused
        if speech is not self._talking:
            self._talking = speech
            speech.add_done_callback(self._on_done)

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._heard = False
        elif self._heard:
            self._unpause()

    def _on_done(self, speech: SpeechHandle) -> None:
        kept, self._kept = self._kept, []
        since = _now() - max(BOUNDARY, self._answerable(speech))
        words = " ".join(text for at, text in kept if at >= since)
        if words and not speech.interrupted:
            self._call.spawn(self._reply_to(words), "replying to an early answer")

    def _answerable(self, speech: SpeechHandle) -> float:
        """Return for how many seconds the question that ended a speech could be answered.

        A person who says "yes" in the second half of a question answers it; who says "okay" in the
        first half still means what was said before.
        """
        items = [item for item in speech.chat_items if isinstance(item, llm.ChatMessage)]
        text = (items[-1].text_content or "").strip() if items else ""
        if not text.endswith(("?", "\uff1f")):
            return 0.0
        last = re.split(r"(?<=[.!?:\u3002\uff01\uff1f])\s*(?=\S)", text)[-1]
        return (_now() - self._began) * len(last) / len(text) / 2

    async def _reply_to(self, words: str) -> None:
        """Let the model reply to an answer that came before the persona had finished asking."""
        await asyncio.sleep(SETTLING)
        call, session = self._call, self._session
        speech = session.current_speech
        busy = speech is not None and not speech.done()
        if busy or call.giving_up or call.replies_held or session.user_state == "speaking":
            await hear(session, words)  # it belongs to what follows
        else:
            session.generate_reply(user_input=words)


def _now() -> float:
    return asyncio.get_running_loop().time()
