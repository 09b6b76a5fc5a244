"""Deepgram listens: speech to text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host import Call, HostError, hookimpl

if TYPE_CHECKING:
    from livekit.plugins import deepgram


@hookimpl
def stt(call: Call) -> deepgram.STT:
    """Return Deepgram's ears, at the address and with the model of the settings."""
    from livekit.plugins import deepgram  # here, so that `--help` need not wait for LiveKit

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
