"""Mixes up questions and events."""

from host import hookimpl


@hookimpl
async def instructions(call):
    return "Be quick."


@hookimpl
def call_ended(call, record):
    return None


@hookimpl
def greeting(call):
    yield "Hello."
