"""Ruled: answers by the rules beside it, in `ruled.rules.toml`."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are at the flower shop."


@hookimpl
def greeting(call):
    return "Here is the flower shop."


@hookimpl
def tools(call):
    async def reserve(flower: str) -> str:
        """Reserve a flower.

        Args:
            flower: its kind
        """
        return f"A {flower} is kept."

    return [reserve]
