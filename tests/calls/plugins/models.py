"""A call has the models that its metadata names, which may be in trouble."""

from host import hookimpl


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
