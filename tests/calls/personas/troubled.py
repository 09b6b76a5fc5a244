"""Troubled: its models may be in trouble; its tool takes long."""

import asyncio

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the troubled one of the tests."


@hookimpl
def greeting(call):
    return "Good day from the workshop."


@hookimpl
def tools(call):
    async def look_around() -> str:
        """Take your time."""
        await asyncio.sleep(12)
        return "found"

    return [look_around]
