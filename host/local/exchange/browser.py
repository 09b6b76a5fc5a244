"""A caller without a telephone: a standard participant, as of a browser or an app."""

import asyncio

from livekit.protocol.room import RoomConfiguration

from host.local.exchange.call import PhoneCall
from host.local.exchange.leg import Leg
from host.local.exchange.line import PersonScript
from host.local.exchange.office import Office


async def visit(
    office: Office,
    call: PhoneCall,
    leg: Leg,
    config: RoomConfiguration,
    script: PersonScript | None,
) -> None:
    """Join a room, whose `config` dispatches an agent, and talk until the end.

    There is no ringing: second 0 is when the microphone is published.
    """
    await leg.join(office.url, office.token().with_name(leg.identity), config=config)
    office.joined(call, leg, 0)
    await leg.publish()
    leg.subscribe()
    office.answer(call, leg, script)
    await asyncio.shield(call.over)
