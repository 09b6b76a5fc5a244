"""Lobby: one of three that hand their calls over to each other in every way there is."""

from livekit.agents import function_tool

from host import hookimpl

TOOLS = {"lobby": "find_car", "workshop": "find_bay", "parts": "find_part"}


@hookimpl
def instructions(call):
    return f"You are the {call.persona} of the garage."


@hookimpl
def greeting(call):
    return f"The {call.persona} of the garage wishes you a good day."


@hookimpl
def tools(call):
    async def find() -> str:
        """Find something."""
        return f"{call.persona} has found it."

    async def walk_over(to: str) -> None:
        """Walk the caller over."""
        await call.hand_over(to, note="walked over")

    return [function_tool(find, name=TOOLS[call.persona]), walk_over]


@hookimpl
async def digit_pressed(call, digit):
    if to := {"1": "lobby", "2": "workshop", "3": "parts"}.get(digit):
        await call.hand_over(to, note="pressed a key")


@hookimpl
async def joined(call, by, note):
    await call.say("Welcome back at the front.")
