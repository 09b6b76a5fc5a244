"""Undecided: is asked whether it takes a call, and does not answer."""

import asyncio

from host import hookimpl


@hookimpl
async def prepare_call(call):
    await asyncio.Event().wait()


@hookimpl
def instructions(call):
    return "You are the undecided one of the tests."
