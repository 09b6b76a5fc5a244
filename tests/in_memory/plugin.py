"""The STT, LLM and TTS of a world in memory, as a plugin of its host."""

from __future__ import annotations

from typing import Any

from host import hookimpl
from in_memory.speech import Llm, Stt, Tts, Vad
from in_memory.world import world


@hookimpl
def provide(call: Any, kind: str, provider: str, model: str, voice: str, language: str) -> Any:
    match kind, provider:
        case "stt", "deepgram":
            return Stt(world().deepgram, model or "nova-3", language)
        case "llm", "openai":
            return Llm(world().llm, model or "rules", call.persona)
        case "tts", "cartesia":
            return Tts(world().cartesia, model or "sonic-3", voice, language)
    return None


@hookimpl
def session_options(call: Any) -> Any:
    return {"vad": Vad()}
