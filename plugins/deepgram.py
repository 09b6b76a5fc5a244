"""Speech-to-text by Deepgram: `stt = "deepgram/nova-3"`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, SecretStr

from host import Call, HostError, hookimpl

if TYPE_CHECKING:
    from livekit.plugins import deepgram


class Deepgram(BaseModel):
    """The settings of this plugin."""

    api_key: SecretStr = Field(
        SecretStr(""), validation_alias="DEEPGRAM_API_KEY", description="Deepgram API key"
    )
    model: str = Field("nova-3", description="model, if `stt` names only `deepgram`")
    base_url: str = Field(
        "https://api.deepgram.com/v1/listen", description="URL of the Deepgram API"
    )


@hookimpl
def plugin_settings() -> type[Deepgram]:
    """Read `[plugins.deepgram]`."""
    return Deepgram


@hookimpl
def provide(call: Call, kind: str, provider: str, model: str, language: str) -> deepgram.STT | None:
    """Return Deepgram's STT. Raises HostError without a key."""
    if (kind, provider) != ("stt", "deepgram"):
        return None
    settings = call.persona_settings.plugin(Deepgram)
    if not (key := settings.api_key.get_secret_value()):
        raise HostError("DEEPGRAM_API_KEY is not set")
    from livekit.plugins import deepgram  # here, so that `--help` does not load livekit

    return deepgram.STT(
        model=model or settings.model,
        language=language,
        base_url=settings.base_url,
        api_key=key,
    )
