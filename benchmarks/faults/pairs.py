"""Two of what there should be one of: dispatches into one room, workers of one name."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from dataclasses import replace

from livekit import api
from livekit.protocol.models import ParticipantInfo

from faults import words
from faults.callers import LAG, WINDOW, Bystanders, Caller, NotReady, Victim
from faults.ground import Ground
from faults.rounds import ROOM_LIMIT, Stage
from faults.tries import Try, Verdict
from faults.workers import Worker
from host.testing import heard

SECOND_GREETS_IN = 8.0
"""Seconds in which a second agent would have greeted."""
LIMIT = 20.0
"""Seconds after which a call that nobody answers counts as left hanging."""


async def two_dispatches(stage: Stage, tries: int) -> list[Try]:
    """The agent is dispatched a second time into the room of a call that is going on."""
    ground = stage.ground
    victims = [Victim("") for _ in range(min(3, tries))]
    try:
        for victim in victims:
            await victim.ring(ground)
        await asyncio.gather(*(victim.ready() for victim in victims))
        made = await asyncio.gather(*(_again(ground, stage, victim) for victim in victims))
        await asyncio.sleep(ROOM_LIMIT)
        rooms = await ground.rooms()
    finally:
        await ground.clear([victim.call for victim in victims if hasattr(victim, "call")])
    return [
        replace(one, seed=stage.seed(nth), room_left=victim.call.room in rooms)
        for nth, (one, victim) in enumerate(zip(made, victims, strict=True))
    ]


async def _again(ground: Ground, stage: Stage, victim: Victim) -> Try:
    room = victim.call.room
    metadata = json.dumps({"persona": "reader", "does": ""})
    victim.struck = time.time()
    async with ground.livekit() as livekit:
        request = api.CreateAgentDispatchRequest(agent_name="host", room=room, metadata=metadata)
        await livekit.agent_dispatch.create_dispatch(request)
        await asyncio.wait([asyncio.shield(victim.call.over)], timeout=SECOND_GREETS_IN)
        agents = 0
        if not victim.over:
            there = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
            agents = sum(p.kind == ParticipantInfo.Kind.AGENT for p in there.participants)
            await victim.watch(0.0, asks=False)
            await victim.call.hang_up()
    one = victim.tell(ground, stage.fault, "")
    greetings = len(heard(victim.call, words.GREETING))
    note = f"{agents} agents, {greetings} greetings"
    if agents > 1 or greetings > 1:
        return replace(one, verdict=Verdict.TWICE, note=note)
    return replace(one, note=note)


async def one_of_two_workers(stage: Stage, tries: int) -> list[Try]:
    """Two workers share the calls; the parent of one is killed, and the other's go on."""
    ground = stage.ground
    second = ground.another_worker()
    hums = Bystanders(ground, [])
    victims = [Victim("") for _ in range(3)]
    try:
        await second.start()
        await hums.be(3)
        for victim in victims:
            await victim.ring(ground)
        await asyncio.gather(*(victim.ready() for victim in victims))
        struck = [v for v in victims if _has(ground, ground.worker, v)][:tries]
        hums.callers = [c for c in hums.callers if _has(ground, second, c)]
        if not struck or not hums.callers:
            raise NotReady("one worker has all the calls")
        return await _kill(stage, struck, hums)
    finally:
        await second.kill()
        await ground.clear([*hums.calls, *(v.call for v in victims if hasattr(v, "call"))])
        await ground.restart()


async def _kill(stage: Stage, victims: list[Victim], hums: Bystanders) -> list[Try]:
    ground = stage.ground
    for victim in victims:
        victim.struck = time.time()
    ground.worker.signal(signal.SIGKILL)
    await asyncio.gather(*(victim.watch(LIMIT, asks=True) for victim in victims))
    made = [victim.tell(ground, stage.fault, stage.seed(nth)) for nth, victim in enumerate(victims)]
    for victim in victims:
        if not victim.over:
            await victim.call.hang_up()
    rest = victims[0].struck + WINDOW + LAG - time.time()
    await asyncio.sleep(max(ROOM_LIMIT, rest))
    rooms = await ground.rooms()
    others = hums.heard(victims[0].struck)
    return [
        replace(one, room_left=victim.call.room in rooms, others=() if nth else others)
        for nth, (one, victim) in enumerate(zip(made, victims, strict=True))
    ]


def _has(ground: Ground, worker: Worker, caller: Caller) -> bool:
    """Whether a worker has a caller's call."""
    pid = ground.process_of(caller.call)
    return pid is not None and os.getpgid(pid) == worker.pid
