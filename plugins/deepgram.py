"""Deepgram listens: speech to text."""

from livekit.plugins import deepgram

from host import Call, HostError, hookimpl


@hookimpl
def stt(call: Call) -> deepgram.STT:
    """Return Deepgram's ears, at the address and with the model of the settings."""
    settings = call.settings
    key = settings.deepgram_api_key.get_secret_value()
    if not key:
        raise HostError("DEEPGRAM_API_KEY is not set: nobody can be heard")
    return deepgram.STT(
        model=settings.deepgram_model,
        language=settings.language,
        base_url=settings.deepgram_base_url,
        api_key=key,
    )
