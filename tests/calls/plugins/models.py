"""A call has the models that its metadata names, which may be in trouble."""

from __future__ import annotations

from host import Call, hookimpl


@hookimpl
def stt(call: Call) -> str | None:
    return _model(call, "stt", "deepgram")


@hookimpl
def llm(call: Call) -> str | None:
    return _model(call, "llm", "openai")


@hookimpl
def tts(call: Call) -> str | None:
    return _model(call, "tts", "cartesia")


def _model(call: Call, kind: str, provider: str) -> str | None:
    name = call.metadata.get(kind)
    return name and f"{provider}/{name}"
