"""Language models by OpenAI, or any server with its API: `llm = "openai/gpt-4.1-mini"`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AliasChoices, BaseModel, Field, SecretStr

from host import Call, HostError, hookimpl

if TYPE_CHECKING:
    from livekit.plugins import openai


class OpenAI(BaseModel):
    """The settings of this plugin."""

    api_key: SecretStr = Field(
        SecretStr(""), validation_alias="OPENAI_API_KEY", description="OpenAI API key"
    )
    model: str = Field("gpt-4.1-mini", description="model, if `llm` names only `openai`")
    base_url: str | None = Field(
        None,
        validation_alias=AliasChoices("HOST_OPENAI_BASE_URL", "OPENAI_BASE_URL"),
        description="URL of another server with OpenAI's API, which may need no key; its requests "
        "name the persona in the header X-Host-Persona",
    )


@hookimpl
def plugin_settings() -> type[OpenAI]:
    """Read `[plugins.openai]`."""
    return OpenAI


@hookimpl
def provide(call: Call, kind: str, provider: str, model: str) -> openai.LLM | None:
    """Return the LLM. Raises HostError without a key, unless base_url is set.

    A server of your own is told the persona, in a header: the local one answers by its rules.
    """
    if (kind, provider) != ("llm", "openai"):
        return None
    settings = call.persona_settings.plugin(OpenAI)
    key = settings.api_key.get_secret_value()
    if not key and not settings.base_url:
        raise HostError("OPENAI_API_KEY is not set")
    from livekit.plugins import openai  # here, so that `--help` does not load livekit

    name = model or settings.model
    if settings.base_url:
        return openai.LLM(
            model=name,
            base_url=settings.base_url,
            api_key=key or "none",
            extra_headers={"X-Host-Persona": call.persona},
        )
    return openai.LLM(model=name, api_key=key)
