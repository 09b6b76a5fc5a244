"""Reader: the persona of the benchmark, for this host."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from faults import trouble
from faults.words import GREETING, INSTRUCTIONS

from host import Call, hookimpl


@hookimpl
async def prepare_call(call: Call) -> None:
    trouble.taken(call.room)
    if call.metadata.get("does") == "mute":
        await asyncio.sleep(3600)


@hookimpl
def instructions(call: Call) -> str:
    return INSTRUCTIONS


@hookimpl
def greeting(call: Call) -> str:
    if call.metadata.get("does") == "fail at the start":
        trouble.fail()
    return GREETING


@hookimpl
async def call_greeted(call: Call) -> None:
    if call.metadata.get("does") == "hum":
        assert call.session
        call.session.say(
            "Hum.", audio=trouble.hum(), allow_interruptions=False, add_to_chat_ctx=False
        )
    if call.metadata.get("does") == "fail when greeted":
        await trouble.befall(call.room, "fail")


@hookimpl
def tools(call: Call) -> list[Callable[[], Awaitable[str]]]:
    async def do_it() -> str:
        """Do what the caller asks for."""
        return await trouble.befall(call.room, call.metadata.get("does", ""))

    return [do_it]
