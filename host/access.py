"""The host's own access to LiveKit: its API, and tokens for rooms."""

from __future__ import annotations

from livekit import api

from host.settings import Settings


def livekit_of(settings: Settings) -> api.LiveKitAPI:
    """Open LiveKit's API."""
    secret = settings.livekit_api_secret.get_secret_value()
    return api.LiveKitAPI(settings.livekit_url, settings.livekit_api_key, secret)


def token_of(settings: Settings) -> api.AccessToken:
    """Begin a token, for whom and for what is still to be said."""
    secret = settings.livekit_api_secret.get_secret_value()
    return api.AccessToken(settings.livekit_api_key, secret)
