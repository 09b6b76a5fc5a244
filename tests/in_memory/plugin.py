"""The STT, LLM and TTS of a world in memory, as a plugin of its host."""

from __future__ import annotations

from typing import Any

from host import hookimpl
from in_memory.speech import Llm, Stt, Tts, Vad
from in_memory.world import world


@hookimpl
def stt(call: Any) -> Any:
    return Stt(world().deepgram, "nova-3")


@hookimpl
def llm(call: Any) -> Any:
    return Llm(world().llm, "rules")


@hookimpl
def tts(call: Any) -> Any:
    return Tts(world().cartesia, "sonic-3")


@hookimpl
def fallback(call: Any, kind: str, model: str) -> Any:
    provider, _, name = model.partition("/")
    match kind, provider:
        case "stt", "deepgram":
            return Stt(world().deepgram, name)
        case "llm", "openai":
            return Llm(world().llm, name)
        case "tts", "cartesia":
            return Tts(world().cartesia, name)
    return None


@hookimpl
def session_options(call: Any) -> Any:
    return {"vad": Vad()}
