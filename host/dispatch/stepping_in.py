"""An operator's order to take a call over: signed, and put on the call's agent.

It names the participant as whom the operator joins the room. The persona steps out when their
microphone is there, and the call is the persona's again once they have left.
"""

from __future__ import annotations

import asyncio

from livekit import api

from host.base.errors import HostError
from host.dispatch.arbitration import visible_in
from host.dispatch.hangup import agent_of
from host.dispatch.orders import ACCEPTED, give, signed, verified
from host.settings import Settings

ATTRIBUTE = "host.takeover"
"""Attribute of the call's agent that holds the order."""
TALKING = "host.operator"
"""Attribute of the call's agent: the identity of the operator who talks in the persona's place."""
REFUSED = "refused: "
"""Beginning of what a call puts in place of an order that it does not obey, before the reason."""
LIMIT = 8.0
"""Seconds that a call may take to accept an order."""
LOOK_EVERY = 0.05
"""Seconds between checks."""


def sign(call: str, identity: str, settings: Settings) -> str:
    """Return the attribute's value."""
    return signed(ATTRIBUTE, {"call": call, "identity": identity}, settings)


def read(value: str, call: str, settings: Settings) -> str | None:
    """Return the operator's identity; None if the order is not signed, or for another call."""
    facts = verified(ATTRIBUTE, value, settings)
    return str(facts["identity"]) if facts and facts["call"] == call else None


async def step_in(
    livekit: api.LiveKitAPI, settings: Settings, room: str, call: str, identity: str
) -> None:
    """Announce an operator to a call; returns when it waits for them.

    Raises HostError if it does not accept, or does not respond.
    """
    loop = asyncio.get_running_loop()
    until, ordered = loop.time() + LIMIT, ""
    while loop.time() < until:
        agent = agent_of(await visible_in(livekit, room), call)
        if agent is not None and agent.sid != ordered:  # the first one, or one that took it over
            ordered = agent.sid
            await give(livekit, room, agent.identity, {ATTRIBUTE: sign(call, identity, settings)})
        elif agent is not None:
            answer = agent.attributes.get(ATTRIBUTE, "")
            if answer == ACCEPTED:
                return
            if answer.startswith(REFUSED):
                raise HostError(answer.removeprefix(REFUSED))
        await asyncio.sleep(LOOK_EVERY)  # LiveKit has no event for it
    raise HostError("the call does not respond")
