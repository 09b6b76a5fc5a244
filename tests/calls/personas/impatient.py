"""Impatient: wants two transfers at once."""

import asyncio

from host import HostError, hookimpl


@hookimpl
def instructions(call):
    return "You are the impatient switchboard."


@hookimpl
def greeting(call):
    return "I am in a hurry."


@hookimpl
async def call_greeted(call):
    tried = [asyncio.create_task(call.transfer("sales")) for _ in range(2)]
    done, _ = await asyncio.wait(tried, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait(tried)
    if len(done) == 1 and isinstance(done.pop().exception(), HostError):
        await call.say("One of them was refused at once.")
    await call.hang_up()
