"""Slow: looks something up for three seconds before anybody speaks."""

import asyncio

from host import hookimpl


@hookimpl
async def prepare_call(call):
    await asyncio.sleep(3)


@hookimpl
def instructions(call):
    return "You are slow."


@hookimpl
def greeting(call):
    return "Sorry to keep you waiting."
