"""Access to LiveKit with the host's keys: API client, tokens, and LiveKit Inference."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Literal

from livekit import api, rtc
from livekit.agents import NOT_GIVEN, JobContext, LanguageCode, inference
from livekit.agents.utils import http_context

from host.base.errors import LiveKitError, SettingsError
from host.dispatch.rooms import UNREACHABLE
from host.settings import Settings


def keys_of(settings: Settings) -> tuple[str, str]:
    """Return the API key and secret."""
    key, secret = settings.livekit_api_key, settings.livekit_api_secret
    return key.get_secret_value(), secret.get_secret_value()


def livekit_of(settings: Settings) -> api.LiveKitAPI:
    """Return an API client."""
    return api.LiveKitAPI(settings.livekit_url, *keys_of(settings))


@contextlib.asynccontextmanager
async def livekit_api(settings: Settings) -> AsyncIterator[api.LiveKitAPI]:
    """Open an API client; its errors become one line. Raises HostError."""
    require_livekit(settings)
    try:
        async with livekit_of(settings) as livekit:
            yield livekit
    except api.ServerError as error:
        if error.code == api.ServerErrorCode.UNAUTHENTICATED or error.status == 401:
            text = f"LiveKit at {settings.livekit_url} rejects LIVEKIT_API_KEY and its secret"
            raise LiveKitError(text) from None
        raise LiveKitError(f"LiveKit at {settings.livekit_url}: {error.message}") from None
    except (rtc.ConnectError, *UNREACHABLE) as error:
        text = f"LiveKit at {settings.livekit_url} can't be reached: {type(error).__name__}"
        raise LiveKitError(text) from None


def require_livekit(settings: Settings) -> None:
    """Raise SettingsError if LiveKit's URL or keys are missing or malformed."""
    given = {
        "LIVEKIT_URL": settings.livekit_url,
        "LIVEKIT_API_KEY": settings.livekit_api_key.get_secret_value(),
        "LIVEKIT_API_SECRET": settings.livekit_api_secret.get_secret_value(),
    }
    missing = [name for name, value in given.items() if not value]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise SettingsError(
            f"{', '.join(missing)} {are} not set: put them into .env, or try `--local`"
        )
    if not settings.livekit_url.startswith(("ws://", "wss://", "http://", "https://")):
        raise SettingsError("LIVEKIT_URL must begin with ws:// or wss://")


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
