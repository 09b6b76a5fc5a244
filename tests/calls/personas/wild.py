"""Wild: its model uses tools whatever it is told."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the wild one of the tests."


@hookimpl
def greeting(call):
    return "Here is the wild one."


@hookimpl
def tools(call):
    async def look_up(what: str) -> str:
        """Look something up."""
        call.state.looks = getattr(call.state, "looks", 0) + 1
        return f"nothing yet, try again ({call.state.looks})"

    return [look_up]
