"""Workshop: speaks German, it says, in a voice of its own."""

from host import hookimpl

from .lobby import digit_pressed, greeting, instructions, tools

__all__ = ["digit_pressed", "greeting", "instructions", "tools"]


@hookimpl
async def joined(call, by, note):
    await call.say("Our mechanics are listening to you.")
