"""Language models by OpenAI, or any server with its API: `llm = "openai/gpt-4.1-mini"`."""

from __future__ import annotations

import os
import ssl
from functools import cache
from typing import TYPE_CHECKING, Any

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
    from livekit.agents import NOT_GIVEN  # here, so that `--help` does not load livekit
    from livekit.plugins import openai

    llm = openai.LLM(
        model=model or settings.model,
        client=_client(key or "none", settings.base_url),
        extra_headers={"X-Host-Persona": call.persona} if settings.base_url else NOT_GIVEN,
    )
    llm._owns_client = True  # LiveKit (1.8.9) closes no client that it was given
    return llm


def _client(key: str, base_url: str | None) -> Any:
    """Return a client as LiveKit's plugin (1.8.9) makes it, with the process's TLS context.

    Each client of its own parses all certificates, 20 ms of CPU before the first word of a call.
    """
    import httpx2
    from openai import AsyncClient

    tls = _tls(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    http = httpx2.AsyncClient(
        verify=tls,
        timeout=httpx2.Timeout(connect=15.0, read=5.0, write=5.0, pool=5.0),
        follow_redirects=True,
        limits=httpx2.Limits(
            max_connections=50, max_keepalive_connections=50, keepalive_expiry=120
        ),
    )
    return AsyncClient(api_key=key, base_url=base_url, max_retries=0, http_client=http)


@cache
def _tls(file: str | None, folder: str | None) -> ssl.SSLContext:
    """Return the TLS context for the certificates that the environment names.

    The forkserver makes it as it checks the personas, so that processes of calls inherit it.
    """
    import httpx2

    return httpx2.create_ssl_context()
