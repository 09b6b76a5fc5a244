"""Loops: its model uses tools over and over, says the local model's rules."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the looper of the tests."


@hookimpl
def greeting(call):
    return "Here is the looper."


@hookimpl
def tools(call):
    async def look_up(what: str) -> str:
        """Look something up."""
        call.state.looks = getattr(call.state, "looks", 0) + 1
        return f"nothing yet, try again ({call.state.looks})"

    return [look_up]
