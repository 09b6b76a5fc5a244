"""Cartesia speaks: text to speech."""

from livekit.plugins import cartesia

from host import Call, HostError, hookimpl


@hookimpl
def tts(call: Call) -> cartesia.TTS:
    """Return Cartesia's voice, at the address and with the model of the settings."""
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
