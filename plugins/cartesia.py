"""Text-to-speech by Cartesia: `tts = "cartesia/sonic-3:VOICE"`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, SecretStr

from host import Call, HostError, hookimpl

if TYPE_CHECKING:
    from livekit.plugins import cartesia


class Cartesia(BaseModel):
    """The settings of this plugin."""

    api_key: SecretStr = Field(
        SecretStr(""), validation_alias="CARTESIA_API_KEY", description="Cartesia API key"
    )
    model: str = Field("sonic-3", description="model, if `tts` names only `cartesia`")
    voice: str = Field(
        "f786b574-daa5-4673-aa0c-cbe3e8534c02", description="ID of the voice, if `tts` names none"
    )
    base_url: str = Field("https://api.cartesia.ai", description="URL of the Cartesia API")


@hookimpl
def plugin_settings() -> type[Cartesia]:
    """Read `[plugins.cartesia]`."""
    return Cartesia


@hookimpl
def provide(
    call: Call, kind: str, provider: str, model: str, voice: str, language: str
) -> cartesia.TTS | None:
    """Return Cartesia's TTS. Raises HostError without a key."""
    if (kind, provider) != ("tts", "cartesia"):
        return None
    settings = call.persona_settings.plugin(Cartesia)
    if not (key := settings.api_key.get_secret_value()):
        raise HostError("CARTESIA_API_KEY is not set")
    from livekit.plugins import cartesia  # here, so that `--help` does not load livekit

    return cartesia.TTS(
        model=model or settings.model,
        voice=voice or settings.voice,
        language=language,
        base_url=settings.base_url,
        api_key=key,
    )
