"""The model thinks: any OpenAI-compatible LLM, or LiveKit Inference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host import Call, HostError, hookimpl

if TYPE_CHECKING:
    from livekit.plugins import openai


@hookimpl
def llm(call: Call) -> openai.LLM | str:
    """Return the model of the settings. A server of one's own needs no key."""
    settings = call.settings
    if settings.llm_inference:
        return settings.llm_model
    model = _model(call, settings.llm_model)
    if model is None:
        raise HostError("OPENAI_API_KEY is not set: there is no model to think")
    return model


@hookimpl
def fallback(call: Call, kind: str, model: str) -> openai.LLM | None:
    """Return the model that `openai/MODEL` names, at the address of the settings."""
    provider, _, name = model.partition("/")
    if (kind, provider) != ("llm", "openai"):
        return None
    return _model(call, name)


def _model(call: Call, name: str) -> openai.LLM | None:
    """Make a model; None where there is neither a key nor a server of one's own."""
    from livekit.plugins import openai  # here, so that `--help` need not wait for LiveKit

    key = call.settings.openai_api_key.get_secret_value()
    if address := call.settings.llm_base_url:
        return openai.LLM(model=name, base_url=address, api_key=key or "none")
    return openai.LLM(model=name, api_key=key) if key else None
