"""Fluent: says its first words itself."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the fluent one of the tests."


@hookimpl
async def joined(call, by, note):
    await call.say(f"Here is the fluent one, sent by {by}.")
