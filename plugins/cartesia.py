"""Cartesia speaks: text to speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host import Call, HostError, hookimpl

if TYPE_CHECKING:
    from livekit.plugins import cartesia


@hookimpl
def tts(call: Call) -> cartesia.TTS:
    """Return Cartesia's voice, at the address and with the model of the settings."""
    from livekit.plugins import cartesia  # here, so that `--help` need not wait for LiveKit

    settings = call.settings
    key = settings.cartesia_api_key.get_secret_value()
    if not key:
        raise HostError("CARTESIA_API_KEY is not set: nothing can be said")
    return cartesia.TTS(
        model=settings.cartesia_model,
        voice=settings.cartesia_voice,
        language=settings.language,
        base_url=settings.cartesia_base_url,
        api_key=key,
    )
