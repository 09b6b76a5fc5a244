"""Access to LiveKit with the host's keys: API client and tokens."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from livekit import api, rtc

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
