"""What a worker costs this machine: `python benchmarks/size.py [--arms host plain] [--calls 1 8]`.

Callers talk with one worker at the same time: a question, its answer, a pause, again and again.
Printed: memory and wake-ups of its processes while nobody calls, and by the kind of mapping;
processor time, memory and wake-ups of each call, of the worker's other processes together, and how
long callers waited for an answer. `--turns` is who says that a turn is over: LiveKit's model, as
hosts have it, or silence. `plain` is a livekit-agents worker for the same persona, whose turns are
over by silence. LiveKit, the exchange and the providers share the machine; they do not count.
"""

from __future__ import annotations

import argparse
import asyncio
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
from processes import table, tree_of, used_below, whole

from host.local.phone import HungUp, Line, PhoneCall

SETTLING = 4.0
"""Seconds after which a worker that has started is idle."""
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
class Idle:
    """A worker that has no call: MB of all its processes, and what they do in a second."""

    memory: float
    lines: list[str]
    cores: float
    wake_ups: float


async def measure_idle(ground: Ground, seconds: float) -> Idle:
    """Look at a worker that nobody calls."""
    await asyncio.sleep(SETTLING)
    before, began = used_below(ground.worker.pid), time.monotonic()
    await asyncio.sleep(seconds)
    took, after = time.monotonic() - began, used_below(ground.worker.pid)
    tree = tree_of(ground.worker.pid)
    cores, wakes = (sum(each[at] for each in gained(before, after).values()) for at in range(2))
    return Idle(whole(tree), [*table(tree)], cores / took, wakes / took)


def gained(
    before: dict[int, tuple[float, int]], after: dict[int, tuple[float, int]]
) -> dict[int, tuple[float, int]]:
    """Subtract what processes had used before; of one that is new, that is nothing."""
    nothing = (0.0, 0)
    return {
        pid: (now[0] - before.get(pid, nothing)[0], max(now[1] - before.get(pid, nothing)[1], 0))
        for pid, now in after.items()
    }


@dataclass(frozen=True)
class Cost:
    """What some calls at once cost, in cores and MB."""

    calls: int
    of_a_call: float
    of_the_rest: float
    """Of the worker's parent, and of all processes below it that have none of these calls."""
    memory: float
    """PSS of all processes above that of the idle worker, for each call."""
    wake_ups: float
    """Of a call's process, in a second."""
    wait: float
    longest_wait: float
    lines: list[str]


async def measure(ground: Ground, calls: int, seconds: float, idle: Idle) -> Cost:
    """Have so many calls talk for so long. Raises TimeoutError where they do not come about."""
    callers = [Caller() for _ in range(calls)]
    try:
        for caller in callers:
            caller.call = await ground.ring("", caller.talk)
        await asyncio.wait_for(
            asyncio.gather(*(caller.talking.wait() for caller in callers)), 40 + 5 * calls
        )
        pids = [pid for caller in callers if caller.call if (pid := ground.process_of(caller.call))]
        if len(pids) < calls:
            raise TimeoutError("a call has no process")
        before, began = used_below(ground.worker.pid), time.monotonic()
        await asyncio.sleep(seconds)
        took, after = time.monotonic() - began, used_below(ground.worker.pid)
        shares = gained(before, after)
        own = [shares.pop(pid) for pid in pids]
        tree = tree_of(ground.worker.pid, pids)
    finally:
        await ground.clear([caller.call for caller in callers if caller.call])
    waits = [wait for caller in callers for wait in caller.waits()]
    if not waits:
        raise TimeoutError("no question was answered")
    return Cost(
        calls,
        statistics.mean(cores for cores, _ in own) / took,
        sum(cores for cores, _ in shares.values()) / took,
        (whole(tree) - idle.memory) / calls,
        statistics.mean(wakes for _, wakes in own) / took,
        statistics.median(waits),
        max(waits),
        [*table(tree)],
    )


async def run(arm: str, calls: Sequence[int], seconds: float, turns: str) -> None:
    """Measure one worker, and print what it costs."""
    folder = Path(__file__).resolve().parents[1] / "build" / "size"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    async with open_ground(arm, folder, {"HOST_TURN_DETECTION": turns}) as ground:
        idle = await measure_idle(ground, seconds)
        print(f"\n{arm}, turns by {turns}: idle, MB", *idle.lines, sep="\n")
        print(
            f"together {idle.memory:.0f} MB, {idle.cores:.3f} cores, "
            f"{idle.wake_ups:.0f} wake-ups a second"
        )
        print("calls  cores for each    rest  memory for each  wake-ups  answer after (longest)")
        costs = []
        for number in calls:
            try:
                costs.append(cost := await measure(ground, number, seconds, idle))
            except (TimeoutError, HungUp, psutil.Error) as error:
                print(f"{number:>5}  did not come about: {error}")
                continue
            print(
                f"{cost.calls:>5}{cost.of_a_call:>16.3f}{cost.of_the_rest:>8.3f}"
                f"{cost.memory:>14.1f} MB{cost.wake_ups:>10.0f}{cost.wait:>10.1f} s"
                f" ({cost.longest_wait:.1f} s)",
                flush=True,
            )
        if costs:
            each = max(cost.of_a_call + cost.of_the_rest / cost.calls for cost in costs)
            print(f"a core carries {1 / each:.0f} such calls when it does nothing else")
            print(f"with {costs[-1].calls} calls, MB", *costs[-1].lines, sep="\n", flush=True)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--turns", choices=("model", "vad"), default="model")
    parser.add_argument("--arms", choices=("host", "plain"), nargs="+", default=["host"])
    asked = parser.parse_args()
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # it calls a room's end an error
    print(f"{os.cpu_count()} cores; each line: {asked.seconds:.0f} s of conversation")
    for arm in asked.arms:
        asyncio.run(until_told(run(arm, asked.calls, asked.seconds, asked.turns)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
