"""Reader: the persona of the benchmark, for this host."""

import asyncio

from faults import trouble
from faults.words import GREETING, INSTRUCTIONS

from host import hookimpl


@hookimpl
async def prepare_call(call):
    trouble.taken(call.room)
    if call.metadata.get("does") == "mute":
        await asyncio.sleep(3600)


@hookimpl
def instructions(call):
    return INSTRUCTIONS


@hookimpl
def greeting(call):
    if call.metadata.get("does") == "fail at the start":
        trouble.fail()
    return GREETING


@hookimpl
async def call_greeted(call):
    if call.metadata.get("does") == "hum":
        call.session.say(
            "Hum.", audio=trouble.hum(), allow_interruptions=False, add_to_chat_ctx=False
        )
    if call.metadata.get("does") == "fail when greeted":
        await trouble.befall(call.room, "fail")


@hookimpl
def tools(call):
    async def do_it() -> str:
        """Do what the caller asks for."""
        return await trouble.befall(call.room, call.metadata.get("does", ""))

    return [do_it]
