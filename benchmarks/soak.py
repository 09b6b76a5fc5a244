"""An hour of calls and random faults: `python benchmarks/soak.py [MINUTES] [--seed N]`.

Inbound and outbound calls come and go on one host while processes are killed and blocked, providers
break and rooms are deleted. Its parent lives through all of it: its memory, open files and
processes are looked at meanwhile. Ends with 1 where something is left when all calls are over: a
room, a process, an unfinished record, a call without exactly one record, a caller left hanging.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from faults import words
from faults.ground import Ground, open_ground, until_told
from faults.leftovers import Sample, checkpoints, processes_of_group, sample, slope, unrecorded
from livekit import api

from host.local.phone import HungUp, Line, PhoneCall, Telephone

INBOUND, OUTBOUND = 3, 1
"""Calls of each kind that go on at any time."""
BETWEEN_FAULTS = 8.0, 25.0
"""Seconds from one fault to the next: at least, at most."""
OUTAGE = 4.0
"""Seconds that a provider is gone."""
EVERY = 5.0
"""Seconds between two looks at the parent."""
LONGEST = 180.0
"""Seconds that a call may last: it is left hanging if the far end has not ended it by then.

A caller who only listens is asked twice whether it is there, and hung up after 45 s; and once more
where its call is taken over just before that.
"""
ENDS_IN = 60.0
"""Seconds after the last call in which everything must be over."""
DOES = ("", "", "", "fail", "sleep", "spin", "backtrack")
"""What the reader does for a caller who asks for it; most calls are sound."""


@dataclass
class Soak:
    """What goes on, and what was seen of it."""

    ground: Ground
    chance: random.Random
    live: dict[str, PhoneCall] = field(default_factory=dict)
    over: list[PhoneCall] = field(default_factory=list)
    hanging: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    begun: float = field(default_factory=time.monotonic)

    async def keep_ringing(self, stop: asyncio.Event) -> None:
        """Ring again and again, and talk a little each time."""
        while not stop.is_set():
            call = await self.ground.ring(self.chance.choice(DOES), self._talk)
            await self._see_through(call)

    async def keep_dialling(self, stop: asyncio.Event) -> None:
        """Have a telephone called again and again, by a dispatch as any application makes it."""
        while not stop.is_set():
            number = self.ground.new_number()
            self.ground.world.exchange.connect(number, Telephone(1.0, self._talk))
            metadata = json.dumps({"persona": "reader", "phone_number": number})
            with contextlib.suppress(Exception):  # LiveKit may be asked in a bad moment
                async with self.ground.livekit() as livekit:
                    await livekit.agent_dispatch.create_dispatch(
                        api.CreateAgentDispatchRequest(
                            agent_name="host", room=f"reader-{number[1:]}", metadata=metadata
                        )
                    )
            with contextlib.suppress(TimeoutError):
                await self._see_through(await self.ground.world.exchange.call_to(number, 20))

    async def look(self, stop: asyncio.Event) -> None:
        """Look at the parent now and then."""
        while not stop.is_set():
            self.look_once()
            await _pause(stop, EVERY)

    def look_once(self) -> None:
        """Look at the parent."""
        at = time.monotonic() - self.begun
        self.samples.append(sample(self.ground.worker.pid, at))

    async def break_things(self, stop: asyncio.Event) -> None:
        """Let something go wrong now and then."""
        names = {kill: "kill", delete: "room deleted", provider: "provider gone"}
        while not stop.is_set():
            await _pause(stop, self.chance.uniform(*BETWEEN_FAULTS))
            fault = self.chance.choice(list(names))
            if await fault(self):
                self.faults[names[fault]] += 1

    async def _talk(self, line: Line) -> None:
        """Listen to the greeting, ask for something, and hang up or leave that to the host."""
        await line.sound(40)
        await line.silence_for(0.8)
        await line.say(self.chance.choice((words.TELL, words.DO_IT, words.ARE_YOU_THERE)))
        await line.wait(self.chance.uniform(3, 15))
        if self.chance.random() < 0.7:
            await line.hang_up()
        await line.stay()

    async def _see_through(self, call: PhoneCall) -> None:
        """Wait for the end of a call; one without an end is ended, and held against the host."""
        self.live[call.room] = call
        try:
            with contextlib.suppress(TimeoutError, HungUp, AssertionError):
                await call.ended(LONGEST)
            if not call.over.done():
                self.hanging.append(call.room)
                await call.hang_up()
        finally:
            self.live.pop(call.room, None)
            self.over.append(call)


async def kill(soak: Soak) -> bool:
    """Kill the process of a call."""
    call = _any(soak)
    pid = soak.ground.process_of(call) if call else None
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
    return False


async def delete(soak: Soak) -> bool:
    """Delete the room of a call."""
    if not (call := _any(soak)):
        return False
    with contextlib.suppress(api.ServerError):
        async with soak.ground.livekit() as livekit:
            await livekit.room.delete_room(api.DeleteRoomRequest(room=call.room))
            return True
    return False


async def provider(soak: Soak) -> bool:
    """Let one provider be gone for some seconds."""
    wire = soak.ground.wires[soak.chance.choice(("stt", "llm", "tts"))]
    (wire.stall if soak.chance.random() < 0.5 else wire.cut)()
    await asyncio.sleep(OUTAGE)
    soak.ground.heal()
    return True


def _any(soak: Soak) -> PhoneCall | None:
    there = [call for call in soak.live.values() if call.answered_at and not call.over.done()]
    return soak.chance.choice(there) if there else None


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def run(minutes: float, seed: int) -> int:
    """Let it go on for so long, and say what is left."""
    folder = Path(__file__).resolve().parents[1] / "build" / "soak"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    async with open_ground("host", folder) as ground:
        soak, stop = Soak(ground, random.Random(seed)), asyncio.Event()
        works: list[Callable[[asyncio.Event], Awaitable[None]]] = [
            *[soak.keep_ringing] * INBOUND,
            *[soak.keep_dialling] * OUTBOUND,
            soak.look,
            soak.break_things,
        ]
        running = [asyncio.ensure_future(work(stop)) for work in works]
        stopping = asyncio.get_running_loop().call_later(minutes * 60, stop.set)
        await asyncio.gather(*running)
        stopping.cancel()
        left = await _left(soak)
        _tell(soak, minutes, seed)
    for line in left:
        print(f"left: {line}")
    print("nothing is left" if not left else f"{len(left)} things are left: see {folder}")
    return 1 if left else 0


async def _left(soak: Soak) -> list[str]:
    """Say what is left of the calls, and then of the host once it was stopped."""
    ground, folder = soak.ground, soak.ground.worker.folder
    end = time.monotonic() + ENDS_IN
    while (found := await _still_there(soak)) and time.monotonic() < end:
        await asyncio.sleep(1.0)  # LiveKit and the host have no event for it
    soak.look_once()  # at rest, as the first time
    found += [f"a caller in {room}" for room in soak.hanging]
    found += unrecorded(folder / "calls.jsonl", soak.over)
    group = ground.worker.pid
    ground.worker.signal(signal.SIGTERM)
    if not await ground.worker.ended(30):
        found.append("the host does not stop")
    await asyncio.sleep(2.0)
    return found + [f"the process {name}" for name in processes_of_group(group)]


async def _still_there(soak: Soak) -> list[str]:
    state = soak.ground.worker.folder / "state"
    rooms = [f"the room {room}" for room in await soak.ground.rooms()]
    lives = [f"the process of {call.room}" for call in soak.over if soak.ground.lives(call)]
    return rooms + lives + [f"the checkpoint {name}" for name in checkpoints(state)]


def _tell(soak: Soak, minutes: float, seed: int) -> None:
    samples = soak.samples
    ends = Counter(str(call.ended_by) for call in soak.over)
    print(f"\n{minutes:g} minutes, seed {seed}: {len(soak.over)} calls, ended by {dict(ends)};")
    print(f"faults: {dict(soak.faults)}, and what calls were asked to do\n")
    print(f"{'':24}{'first':>8}{'median':>8}{'last':>8}{'most':>8}")
    for name in ("memory", "files", "processes"):
        values = [getattr(one, name) for one in samples]
        middle = sorted(values)[len(values) // 2]
        row = "".join(f"{each:>8.0f}" for each in (values[0], middle, values[-1], max(values)))
        unit = " (MB, USS)" if name == "memory" else ""
        print(f"{'parent: ' + name + unit:24}{row}")
    if grows := slope(samples):
        print(
            f"memory grows by {grows.an_hour:+.1f} MB an hour "
            f"(95 %: {grows.low:+.1f} to {grows.high:+.1f}), after the warm-up\n"
        )


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("minutes", type=float, nargs="?", default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # it calls a room's end an error
    return asyncio.run(until_told(run(asked.minutes, asked.seed)))


if __name__ == "__main__":
    sys.exit(main())
