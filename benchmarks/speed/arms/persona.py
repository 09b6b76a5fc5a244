"""The host's persona of the benchmark: its file's name says how it ends turns, or what it does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from host import Call, hookimpl
from speed import words
from speed.arms import sounds

blocking: set[asyncio.Task[None]] = set()


def does(call: Call) -> str:
    return call.persona.removeprefix("bench-")


@hookimpl
def instructions(call: Call) -> str:
    return words.INSTRUCTIONS


@hookimpl
def greeting(call: Call) -> str:
    return words.GREETING


@hookimpl
def session_options(call: Call) -> Mapping[str, Any] | None:
    delay = words.ENDPOINTING.get(does(call))
    return None if delay is None else {"turn_handling": {"endpointing": {"min_delay": delay}}}


@hookimpl
async def call_greeted(call: Call) -> None:
    if does(call) not in words.BEHAVIOURS:
        return
    assert call.session
    call.session.say("Hum.", audio=sounds.hum(), allow_interruptions=False)
    if does(call) == "blocks":
        blocking.add(asyncio.create_task(sounds.block()))
