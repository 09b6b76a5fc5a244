"""Whoever does not want to be called says so, or presses a key, and nobody calls them any more."""

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
    """Offer it where there is a telephone, whose number the model neither sees nor chooses."""
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
    """Do it at the press of `opt_out_key`, unless the key answers a question of ours."""
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
    """Break off whatever is said, say goodbye and hang up. An event would be too short for it."""
    try:
        async with asyncio.timeout(GOODBYE_LIMIT):
            await call.hang_up(call.persona_settings.words.opted_out, at_once=True)
    except TimeoutError:
        await call.hang_up()
