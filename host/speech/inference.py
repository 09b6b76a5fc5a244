"""Models of LiveKit Inference, created with the host's keys."""

from __future__ import annotations

from typing import Any, Literal

from livekit.agents import NOT_GIVEN, LanguageCode, inference

from host.dispatch.livekit import keys_of
from host.settings import Settings


def inference_model(
    settings: Settings,
    kind: Literal["stt", "llm", "tts"],
    provider: str,
    model: str,
    voice: str,
    language: str,
) -> Any:
    """Create a model of LiveKit Inference.

    The keys are passed explicitly, since a call's environment has none.
    """
    keys: dict[str, Any] = dict(zip(("api_key", "api_secret"), keys_of(settings), strict=True))
    named = f"{provider}/{model}"
    if kind == "llm":
        return _llm_class(named)(named, **keys)
    if kind == "stt":
        return inference.STT(model=named, language=LanguageCode(language), **keys)
    return inference.TTS(
        model=named, voice=voice or NOT_GIVEN, language=LanguageCode(language), **keys
    )


def _llm_class(named: str) -> Any:
    if inference.is_duplex_model(named):
        return inference.DuplexModel
    return inference.RealtimeModel if inference.is_realtime_model(named) else inference.LLM
