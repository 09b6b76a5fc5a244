"""Access to LiveKit with the host's keys: API client, tokens, and LiveKit Inference."""

from __future__ import annotations

from typing import Any, Literal

from livekit import api
from livekit.agents import NOT_GIVEN, JobContext, LanguageCode, inference
from livekit.agents.utils import http_context

from host.settings import Settings


def keys_of(settings: Settings) -> tuple[str, str]:
    """Return the API key and secret."""
    key, secret = settings.livekit_api_key, settings.livekit_api_secret
    return key.get_secret_value(), secret.get_secret_value()


def livekit_of(settings: Settings) -> api.LiveKitAPI:
    """Return an API client."""
    return api.LiveKitAPI(settings.livekit_url, *keys_of(settings))


def token_of(settings: Settings) -> api.AccessToken:
    """Return a token without identity and grants."""
    return api.AccessToken(*keys_of(settings))


def give_access(job: JobContext, settings: Settings) -> None:
    """Give a job an API client; LiveKit would create one from the environment."""
    session = http_context.http_session()
    job.api = api.LiveKitAPI(settings.livekit_url, *keys_of(settings), session=session)


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
