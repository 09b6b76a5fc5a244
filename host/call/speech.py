"""Speaks exact words in a session with any kind of model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from host.call.data import verbatim_instruction

if TYPE_CHECKING:
    from livekit import rtc
    from livekit.agents import AgentSession
    from livekit.agents.voice import SpeechHandle


def say_exactly(
    session: AgentSession[Any],
    words: str,
    *,
    interruptible: bool = True,
    audio: AsyncIterator[rtc.AudioFrame] | None = None,
) -> SpeechHandle:
    """Speak exact words with TTS, or instruct a realtime model that has no TTS to say them.

    `audio` is their sound, if it is rendered already: then they need no TTS.
    """
    from livekit.agents import llm  # here, so that `import host` does not load livekit-agents

    if audio is not None:
        return session.say(words, audio=audio, allow_interruptions=interruptible)
    model = session.llm
    if (
        session.tts is not None
        or session.output.audio is None
        or not isinstance(model, llm.RealtimeModel)
        or model.capabilities.supports_say
    ):
        return session.say(words, allow_interruptions=interruptible)
    return session.generate_reply(
        instructions=verbatim_instruction(words),
        tool_choice="none",
        allow_interruptions=interruptible,
    )
