"""A call has the models that its metadata names, which may be in trouble."""

from __future__ import annotations

from typing import Any

from host import Call, hookimpl


@hookimpl
def stt(call: Call) -> Any:
    return _model(call, "stt", "deepgram")


@hookimpl
def llm(call: Call) -> Any:
    return _model(call, "llm", "openai")


@hookimpl
def tts(call: Call) -> Any:
    return _model(call, "tts", "cartesia")


def _model(call: Call, kind: str, provider: str) -> Any:
    name = call.metadata.get(kind)
    return name and call.hooks.fallback(call=call, kind=kind, model=f"{provider}/{name}")
