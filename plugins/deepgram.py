"""Deepgram listens: speech to text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host import Call, HostError, hookimpl

if TYPE_CHECKING:
    from livekit.plugins import deepgram


@hookimpl
def stt(call: Call) -> deepgram.STT:
    """Return Deepgram's ears, at the address and with the model of the settings."""
    if not call.settings.deepgram_api_key.get_secret_value():
        raise HostError("DEEPGRAM_API_KEY is not set: nobody can be heard")
    return _ears(call, call.settings.deepgram_model)


@hookimpl
def fallback(call: Call, kind: str, model: str) -> deepgram.STT | None:
    """Return the ears that `deepgram/MODEL` names, where there is a key for them."""
    provider, _, name = model.partition("/")
    if (kind, provider) != ("stt", "deepgram"):
        return None
    return _ears(call, name) if call.settings.deepgram_api_key.get_secret_value() else None


def _ears(call: Call, model: str) -> deepgram.STT:
    from livekit.plugins import deepgram  # here, so that `--help` need not wait for LiveKit

    settings = call.settings
    return deepgram.STT(
        model=model,
        language=settings.language,
        base_url=settings.deepgram_base_url,
        api_key=settings.deepgram_api_key.get_secret_value(),
    )
