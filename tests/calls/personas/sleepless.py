"""Sleepless: has a call for a few seconds only."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the sleepless one of the tests."


@hookimpl
async def joined(call, by, note):
    await call.say(f"The note says: {note}")


@hookimpl
async def digit_pressed(call, digit):
    await call.hand_over("fluent")
