"""The model thinks: any OpenAI-compatible LLM, or LiveKit Inference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host import Call, HostError, hookimpl

if TYPE_CHECKING:
    from livekit.plugins import openai


@hookimpl
def llm(call: Call) -> openai.LLM | str:
    """Return the model of the settings. A server of one's own needs no key."""
    from livekit.plugins import openai  # here, so that `--help` need not wait for LiveKit

    settings = call.settings
    if settings.llm_inference:
        return settings.llm_model
    key = settings.openai_api_key.get_secret_value()
    if not key and not settings.llm_base_url:
        raise HostError("OPENAI_API_KEY is not set: there is no model to think")
    if settings.llm_base_url:
        return openai.LLM(
            model=settings.llm_model, base_url=settings.llm_base_url, api_key=key or "none"
        )
    return openai.LLM(model=settings.llm_model, api_key=key)
