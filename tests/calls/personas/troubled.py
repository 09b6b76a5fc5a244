"""Troubled: its metadata names the models that it has, which may be in trouble."""

import asyncio

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the troubled one of the tests."


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


@hookimpl
def tools(call):
    async def look_around() -> str:
        """Take your time."""
        await asyncio.sleep(12)
        return "found"

    return [look_around]
