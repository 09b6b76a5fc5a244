"""Rescued: as troubled, with fallbacks in host.toml."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the rescued one of the tests."


@hookimpl
def greeting(call):
    return "Good day from the workshop."


@hookimpl
def stt(call):
    return _model(call, "stt", "deepgram")


@hookimpl
def llm(call):
    return _model(call, "llm", "openai")


@hookimpl
def tts(call):
    return _model(call, "tts", "cartesia")


def _model(call, kind, provider):
    name = call.metadata.get(kind)
    return name and call.hook.fallback(call=call, kind=kind, model=f"{provider}/{name}")
