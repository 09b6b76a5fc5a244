"""Requests that come while no worker is there: is anybody told?"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time

from livekit import api

from faults.ground import Ground
from faults.rounds import Stage
from faults.tries import Try, Verdict

AT_ONCE = 5
LIMIT = 60.0
"""Seconds that the command may take to tell."""
SERVED_IN = 25.0
"""Seconds within which a request must be served, where nobody tells."""


async def nobody_there(stage: Stage, tries: int) -> list[Try]:
    """A call is requested while the worker is down: by `host call`, and by LiveKit's own API."""
    ground = stage.ground
    await ground.worker.kill()
    request = _by_the_command if ground.arm == "host" else _by_the_api
    count = min(AT_ONCE, tries)
    return await asyncio.gather(*(request(ground, stage, nth) for nth in range(count)))


async def _by_the_command(ground: Ground, stage: Stage, nth: int) -> Try:
    number, begun = ground.new_number(), time.time()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "host", "call", "reader", number, "--json"),
        env=ground.worker.environment,
        cwd=ground.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), LIMIT)
    except TimeoutError:
        process.kill()
        await process.wait()
        return Try(ground.arm, stage.fault, stage.seed(nth), Verdict.LOST, note="it told nothing")
    took = round(time.time() - begun, 2)
    told = process.returncode != 0 and b"no host took the call" in said
    verdict = Verdict.TOLD if told else Verdict.LOST
    last = said.decode(errors="replace").strip().splitlines()[-1:]
    note = f"exit code {process.returncode}: {' '.join(last)[:200]}"
    return Try(ground.arm, stage.fault, stage.seed(nth), verdict, hang_up=took, note=note)


async def _by_the_api(ground: Ground, stage: Stage, nth: int) -> Try:
    number, room = ground.new_number(), f"reader-{secrets.token_hex(6)}"
    metadata = json.dumps({"persona": "reader", "phone_number": number})
    async with ground.livekit() as livekit:
        request = api.CreateAgentDispatchRequest(agent_name="host", room=room, metadata=metadata)
        try:
            made = await livekit.agent_dispatch.create_dispatch(request)
        except api.ServerError as error:
            seed = stage.seed(nth)
            return Try(ground.arm, stage.fault, seed, Verdict.TOLD, note=str(error)[:200])
        await asyncio.sleep(SERVED_IN)
        served = bool(ground.world.exchange.ledger.of("INVITE", number=number))
        there = await ground.rooms()
        if room in there:
            await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
    verdict = Verdict.WENT_ON if served else Verdict.LOST
    note = f"the API said: dispatch {made.id[:3]}..., and nothing else"
    seed = stage.seed(nth)
    return Try(ground.arm, stage.fault, seed, verdict, room_left=room in there, note=note)
