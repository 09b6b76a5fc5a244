"""Heavy: stands still for ever when it is told to, for the tests of blocked calls."""

import time

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the heavy one of the tests."


@hookimpl
def greeting(call):
    return "Good day, you have reached the heavy machine."


@hookimpl
def tools(call):
    async def stand_still():
        """Stand still."""
        time.sleep(600)

    return [stand_still]
