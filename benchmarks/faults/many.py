"""Too much at once: one request made fifty times, and three times as many callers as lines."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import replace

from livekit import api

from faults.callers import READY, NotReady, Victim
from faults.ground import Ground, until
from faults.rounds import ROOM_LIMIT, Stage
from faults.tries import Try, Verdict
from host.local.phone import Line, PhoneCall, Telephone

REQUESTS = {"host": 50, "plain": 10}
"""Equal requests at once. Plain starts a process for each, of which this machine bears fewer."""
STILL = 8.0
"""Seconds without a further dial after which there comes none."""
CALLERS = 15
TALK = 8.0
"""Seconds that those who were answered stay, so that all are on the line together."""
ANSWERED_IN = 25.0
"""Seconds after which a caller who still hears ringing counts as left hanging."""


async def equal_requests(stage: Stage, tries: int) -> list[Try]:
    """The same request comes many times at the same moment, as when a queue tries again."""
    ground, exchange = stage.ground, stage.ground.world.exchange
    number = ground.new_number()
    exchange.connect(number, Telephone(1.0, _listens))
    key = secrets.token_hex(8)
    metadata = json.dumps({"persona": "reader", "phone_number": number, "idempotency_key": key})
    rooms = [f"reader-{key}-{nth}" for nth in range(REQUESTS[ground.arm])]
    try:
        async with ground.livekit() as livekit:
            await asyncio.gather(*(_dispatch(livekit, room, metadata) for room in rooms))
        await _no_more_dials(ground, number)
        dials = exchange.ledger.of("INVITE", number=number)
        await until(lambda: all(call.done for call in _calls(ground, rooms)), READY)
        await asyncio.sleep(ROOM_LIMIT)
        left = await ground.rooms() & set(rooms)
    finally:
        await _clear(ground, rooms)
    verdict = Verdict.LOST if not dials else Verdict.WENT_ON
    if len(dials) > 1:
        verdict = Verdict.TWICE
    note = f"{len(dials)} dials for {len(rooms)} requests"
    one = Try(ground.arm, stage.fault, stage.seed(), verdict, room_left=bool(left), note=note)
    return [one]


async def overload(stage: Stage, tries: int) -> list[Try]:
    """Three times as many callers as the host may have ring at the same moment."""
    ground = stage.ground
    callers = [Victim("") for _ in range(CALLERS)]
    try:
        await asyncio.gather(*(caller.ring(ground) for caller in callers))
        await asyncio.gather(*(_wait(caller) for caller in callers))
        await asyncio.sleep(TALK)
        made = [_tell(ground, stage, nth, caller) for nth, caller in enumerate(callers)]
        for caller in callers:
            if not caller.over:
                await caller.call.hang_up()
        await asyncio.sleep(ROOM_LIMIT)
        rooms = await ground.rooms()
    finally:
        await ground.clear([caller.call for caller in callers])
    return [
        replace(one, room_left=caller.call.room in rooms)
        for one, caller in zip(made, callers, strict=True)
    ]


async def _wait(caller: Victim) -> None:
    """Wait until a caller has been greeted or turned away, or it has taken too long."""
    caller.struck = caller.call.started_at
    try:
        await asyncio.wait_for(caller.ready(), min(ANSWERED_IN, READY))
    except (NotReady, TimeoutError):
        caller.stopped = time.time()


def _tell(ground: Ground, stage: Stage, nth: int, caller: Victim) -> Try:
    caller.stopped = time.time()
    one = caller.tell(ground, stage.fault, stage.seed(nth))
    if one.word is not None and not caller.over:
        # The silence before the first word, not that of a conversation without a question.
        waited = one.word - (caller.call.answered_at or 0.0) + caller.struck
        return replace(one, verdict=Verdict.WENT_ON, silence=round(waited, 2), note="")
    return one


async def _listens(line: Line) -> None:
    await line.sound(READY)
    await line.silence_for(1.0)
    await line.hang_up()


async def _dispatch(livekit: api.LiveKitAPI, room: str, metadata: str) -> None:
    request = api.CreateAgentDispatchRequest(agent_name="host", room=room, metadata=metadata)
    await livekit.agent_dispatch.create_dispatch(request)


async def _no_more_dials(ground: Ground, number: str) -> None:
    """Wait for the first dial, and until there has been no further one for a while."""
    ledger = ground.world.exchange.ledger
    await until(lambda: bool(ledger.of("INVITE", number=number)), ANSWERED_IN)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        dials = ledger.of("INVITE", number=number)
        if not dials or time.time() - dials[-1].at > STILL:
            return
        await asyncio.sleep(0.2)


def _calls(ground: Ground, rooms: list[str]) -> list[PhoneCall]:
    return [call for call in ground.world.exchange.calls if call.room in rooms]


async def _clear(ground: Ground, rooms: list[str]) -> None:
    await ground.clear(_calls(ground, rooms))
    async with ground.livekit() as livekit:
        for room in await ground.rooms() & set(rooms):
            await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
