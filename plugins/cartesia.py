"""Cartesia speaks: text to speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host import Call, HostError, hookimpl

if TYPE_CHECKING:
    from livekit.plugins import cartesia


@hookimpl
def tts(call: Call) -> cartesia.TTS:
    """Return Cartesia's voice, at the address and with the model of the settings."""
    if not call.settings.cartesia_api_key.get_secret_value():
        raise HostError("CARTESIA_API_KEY is not set: nothing can be said")
    return _voice(call, call.settings.cartesia_model, call.settings.cartesia_voice)


@hookimpl
def fallback(call: Call, kind: str, model: str) -> cartesia.TTS | None:
    """Return the voice that `cartesia/MODEL` or `cartesia/MODEL:VOICE` names, if there is a key."""
    provider, _, name = model.partition("/")
    if (kind, provider) != ("tts", "cartesia"):
        return None
    name, _, voice = name.partition(":")
    if not call.settings.cartesia_api_key.get_secret_value():
        return None
    return _voice(call, name, voice or call.settings.cartesia_voice)


def _voice(call: Call, model: str, voice: str) -> cartesia.TTS:
    from livekit.plugins import cartesia  # here, so that `--help` need not wait for LiveKit

    settings = call.settings
    return cartesia.TTS(
        model=model,
        voice=voice,
        language=settings.language,
        base_url=settings.cartesia_base_url,
        api_key=settings.cartesia_api_key.get_secret_value(),
    )
