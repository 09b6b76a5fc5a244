"""What a call costs this machine: `python benchmarks/size.py [--turns vad] [--calls 1 2 4]`.

Callers talk with one host at the same time: a question, its answer, a pause, again and again.
Printed: processor time and memory of each call's process, what the host's other processes take,
and how long callers waited for an answer. `--turns` is who says that a turn is over: LiveKit's
model, as hosts have it, or silence. LiveKit, the exchange and the providers share the machine; they
do not count.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from faults import words
from faults.ground import Ground, open_ground, until_told
from faults.measure import first_sound

from host.local.phone import HungUp, Line, PhoneCall

PAUSE = 4.0
"""Seconds from one answer's end to the next question: people think, too."""
ANSWER_LIMIT = 20.0
"""Seconds for an answer, and for its end."""


@dataclass
class Caller:
    """Somebody who asks again and again."""

    asked: list[float] = field(default_factory=list)
    """The seconds of the call at which a question ended."""
    talking: asyncio.Event = field(default_factory=asyncio.Event)
    call: PhoneCall | None = None

    async def talk(self, line: Line) -> None:
        """Listen to the greeting, then ask, listen and think."""
        await line.sound(40)
        await line.silence_for(1.0)
        self.talking.set()
        while True:
            await line.say(words.ARE_YOU_THERE)
            assert self.call is not None
            assert self.call.answered_at is not None
            self.asked.append(time.time() - self.call.answered_at)
            await line.sound(ANSWER_LIMIT)
            await line.silence_for(1.0)
            await line.wait(PAUSE)

    def waits(self) -> list[float]:
        """Seconds from each question's end to the first sound of its answer."""
        assert self.call is not None
        heard = self.call.media.recording.stereo()[:, 1]
        found = [first_sound(heard, at, at + ANSWER_LIMIT) for at in self.asked[:-1]]
        pairs = zip(self.asked, found, strict=False)
        return [sound - at for at, sound in pairs if sound is not None]


@dataclass(frozen=True)
class Cost:
    """What some calls at once cost, in cores and MB."""

    calls: int
    of_a_call: float
    of_the_rest: float
    """Of the host's parent, and of all processes below it that have none of these calls."""
    memory: float
    """Of its own (USS), the call's process that has most."""
    wait: float
    longest_wait: float


async def measure(ground: Ground, calls: int, seconds: float) -> Cost:
    """Have so many calls talk for so long. Raises TimeoutError where they do not come about."""
    callers = [Caller() for _ in range(calls)]
    try:
        for caller in callers:
            caller.call = await ground.ring("", caller.talk)
        await asyncio.wait_for(
            asyncio.gather(*(caller.talking.wait() for caller in callers)), 40 + 5 * calls
        )
        pids = [ground.process_of(caller.call) for caller in callers if caller.call]
        processes = [psutil.Process(pid) for pid in pids if pid]
        if len(processes) < calls:
            raise TimeoutError("a call has no process")
        before, began = used_below(ground.worker.pid), time.monotonic()
        await asyncio.sleep(seconds)
        took, after = time.monotonic() - began, used_below(ground.worker.pid)
        shares = {pid: (now - before.get(pid, 0.0)) / took for pid, now in after.items()}
        own = [shares.pop(process.pid) for process in processes]
        memory = max(each.memory_full_info().uss for each in processes) / 1024**2
    finally:
        await ground.clear([caller.call for caller in callers if caller.call])
    waits = [wait for caller in callers for wait in caller.waits()]
    if not waits:
        raise TimeoutError("no question was answered")
    mean, rest = statistics.mean(own), sum(shares.values())
    return Cost(calls, mean, rest, memory, statistics.median(waits), max(waits))


def used_below(pid: int) -> dict[int, float]:
    """Seconds of processor time that a process and each one below it have used by themselves."""
    found = {}
    parent = psutil.Process(pid)
    for process in (parent, *parent.children(recursive=True)):
        with contextlib.suppress(psutil.Error):  # it may end meanwhile
            times = process.cpu_times()
            found[process.pid] = float(times.user + times.system)
    return found


async def run(calls: Sequence[int], seconds: float, turns: str) -> None:
    """Measure, and print a table."""
    folder = Path(__file__).resolve().parents[1] / "build" / "size"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(f"{os.cpu_count()} cores; each line: {seconds:.0f} s of conversation")
    print("calls  cores for each    rest  memory of one  answer after (median, longest)")
    async with open_ground("host", folder, {"HOST_TURN_DETECTION": turns}) as ground:
        costs = []
        for number in calls:
            try:
                costs.append(cost := await measure(ground, number, seconds))
            except (TimeoutError, HungUp, psutil.Error) as error:
                print(f"{number:>5}  did not come about: {error}")
                continue
            print(
                f"{cost.calls:>5}{cost.of_a_call:>16.3f}{cost.of_the_rest:>8.3f}"
                f"{cost.memory:>12.0f} MB{cost.wait:>9.1f} s{cost.longest_wait:>6.1f} s",
                flush=True,
            )
        if costs:
            each = max(cost.of_a_call + cost.of_the_rest / cost.calls for cost in costs)
            print(f"a core carries {1 / each:.0f} such calls when it does nothing else")


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--turns", choices=("model", "vad"), default="model")
    asked = parser.parse_args()
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # it calls a room's end an error
    asyncio.run(until_told(run(asked.calls, asked.seconds, asked.turns)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
