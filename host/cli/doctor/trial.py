"""Places a test call by the way of `host call`, and watches its room from outside."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Mapping

from livekit import api

from host.base.errors import LiveKitError
from host.cli.doctor.steps import Seen, TrialCall, told
from host.dispatch import place
from host.dispatch.arbitration import those_in
from host.dispatch.livekit import livekit_of
from host.dispatch.rooms import UNREACHABLE
from host.records.outcome import Outcome
from host.settings import Settings

LOOK_EVERY = 0.2
"""Seconds between looks at the room."""
LONGEST = 60.0
"""Seconds after the answer for which somebody may listen to the persona."""
AGENT_STATE = "lk.agent.state"
"""Attribute of an agent: `speaking`, once its first sound is played (livekit-agents 1.8.9)."""


async def place_trial_call(
    settings: Settings, persona: str, number: str, details: Mapping[str, str]
) -> TrialCall:
    """Place a call and wait for its end. Raises MetadataError for details that do not fit."""
    key = f"doctor-{secrets.token_hex(8)}"
    metadata = place.metadata_of(settings, persona, number, details, key)
    room, seen = place.room_for(persona, key), Seen()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    answered = asyncio.Event()

    def note(what: str) -> None:
        seen.note(what, loop.time() - begun)
        if what == "active":
            answered.set()

    placing = asyncio.ensure_future(
        place.place(settings, metadata, note, on_taken=lambda: note("taken"))
    )
    watching = asyncio.ensure_future(_listen(settings, room, note))
    ending = asyncio.ensure_future(_end(placing, answered))
    try:
        placed = await placing
        seen.outcome, seen.reason = placed.outcome, placed.reason
        seen.sip_status = placed.sip_status
    except LiveKitError as error:
        seen.nobody = str(error)
    except asyncio.CancelledError:
        if not ending.done():
            raise  # Ctrl-C
        seen.outcome, seen.reason = Outcome.COMPLETED, f"doctor hung up after {LONGEST:.0f} s"
    finally:
        for task in (placing, watching, ending):
            task.cancel()
        await asyncio.gather(placing, watching, ending, return_exceptions=True)
    return told(persona, room, seen)


async def _end(placing: asyncio.Future[place.CallResult], answered: asyncio.Event) -> None:
    """Give the call up once somebody has heard enough of it: its room is closed."""
    await answered.wait()
    await asyncio.sleep(LONGEST)
    placing.cancel()


async def _listen(settings: Settings, room: str, note: place.OnStatus) -> None:
    """Note when the agent speaks first."""
    async with livekit_of(settings) as livekit:
        while True:
            with contextlib.suppress(api.ServerError, *UNREACHABLE):
                for one in await those_in(livekit, room):
                    if one.attributes.get(AGENT_STATE) == "speaking":
                        note("speaking")
                        return
            await asyncio.sleep(LOOK_EVERY)  # LiveKit's API has no event for it
