"""Opt-out: by a tool of the model or by a key, the far end gets on the do-not-call list."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from host import Call, HostError, hookimpl

GOODBYE_LIMIT = 15.0
"""Seconds that the goodbye may take before the call ends without it."""

log = logging.getLogger("host")


@hookimpl
def tools(call: Call) -> list[Any]:
    """Return the tool if the far end is a telephone; the model never sees the number."""
    from livekit.agents import ToolError

    async def never_call_again() -> str:
        """Put the person you talk with on the do-not-call list.

        Use it when they ask not to be called again, or to be taken off the list.
        """
        try:
            await call.opt_out()
        except HostError as error:
            log.error("an opt-out could not be noted: %s", error)
            raise ToolError(
                "It could not be noted. Say so, and that they may tell us again."
            ) from error
        return "Done: nobody calls this number any more. Tell them so in one short sentence."

    return [never_call_again] if call.telephone else []


@hookimpl
async def digit_pressed(call: Call, digit: str) -> None:
    """Opt out at `opt_out_key`, unless the key answers a question of the host."""
    wanted = call.persona_settings.opt_out_key
    if not wanted or digit != wanted or call.asking or call.over:
        return
    try:
        await call.opt_out()
    except HostError as error:
        log.error("an opt-out could not be noted: %s", error)
        await call.say(call.persona_settings.words.apology)
        return
    call.spawn(_say_goodbye(call), "the goodbye of who has opted out")


async def _say_goodbye(call: Call) -> None:
    """Interrupt, say goodbye and hang up, after GOODBYE_LIMIT without the goodbye."""
    try:
        async with asyncio.timeout(GOODBYE_LIMIT):
            await call.hang_up(call.persona_settings.words.opted_out, at_once=True)
    except TimeoutError:
        await call.hang_up()
