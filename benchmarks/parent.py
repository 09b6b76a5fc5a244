"""What the host's parent process does for calls: `python benchmarks/parent.py [--calls 50 100]`.

The parent is real: its heartbeat monitor, admission, its looks at checkpoints. The calls are tasks
of one other process: each has a real heartbeat and real checkpoints, says something every few
seconds, ends after its length, and is replaced by a new one that LiveKit offers. Not in it: the
websocket to LiveKit, and starting processes. LiveKit's worker also looks at the memory of each
call's process every five seconds, in the same thread; what one such look takes is printed last.

Times are processor time of the parent: a busy machine does not count, except in the lateness.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import resource
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import psutil
from livekit.agents import JobRequest
from livekit.protocol import agent, models

sys.path.insert(1, str(Path(__file__).resolve().parent.parent))

from host.base.clock import now
from host.call.live import LiveCall
from host.call.state import CallState
from host.records.record import Utterance
from host.runner.checkpoint import CheckpointStore
from host.runner.heartbeat import Heartbeat
from host.server import admission, heartbeat_monitor
from host.server.recovery import Recovery
from host.settings import Settings

LENGTH = 120.0
"""Seconds of a call."""
SAYS = 4.0
"""Seconds between two utterances of a call."""
WORDS = "We can offer you Tuesday at half past ten, would that suit you? "
START_LIMIT = 300.0
"""Seconds that a busy machine may take to begin all calls."""
TICK = 0.05
"""Seconds between looks at how late the parent's loop is."""
LOOKS = 20
"""Looks at the memory of a process."""


async def have_calls(state_dir: Path) -> None:
    """Have those calls whose ids come in as lines, each until it is over: the other process."""
    loop, running = asyncio.get_running_loop(), set()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("ready", flush=True)
    while line := await reader.readline():
        id, length = line.decode().split()
        running.add(task := asyncio.create_task(_call(state_dir, id, float(length))))
        task.add_done_callback(running.discard)


async def _call(state_dir: Path, id: str, length: float) -> None:
    call = LiveCall(Settings(state_dir=state_dir), CallState(id=id, room=f"room-{id}"))
    checkpoints, beats = CheckpointStore(state_dir), Heartbeat(id, call.state.room)
    beating = asyncio.create_task(beats.hold(lambda: None, lambda: None))
    keeping = asyncio.create_task(checkpoints.keep(call))
    until = time.monotonic() + length
    while time.monotonic() < until:
        call.state.transcript.append(Utterance(at=now(), who="persona", text=WORDS))
        call.transcript_changed.set()
        await asyncio.sleep(SAYS)
    keeping.cancel()
    checkpoints.close(id)
    await beats.over()
    beating.cancel()


@dataclass
class Offering:
    """LiveKit, which offers a new call for each one that is over."""

    desk: admission.Admission
    calls: asyncio.subprocess.Process
    took: list[float] = field(default_factory=list)
    """Seconds of processor time from each offer to its acceptance."""
    refused: int = 0
    _ids: int = 0

    async def keep(self, count: int) -> None:
        """Keep so many calls live, whose ends are spread over their length, until cancelled."""
        for at in range(count):
            await self._offer((at + 1) / count * LENGTH)
        while True:
            await asyncio.sleep(LENGTH / count / 4)
            for _ in range(count - len(self.desk.heartbeats)):
                await self._offer(LENGTH)

    async def _offer(self, length: float) -> None:
        self._ids += 1
        job = agent.Job(
            id=f"AJ_{self._ids}", room=models.Room(name=f"room-AJ_{self._ids}", sid="RM_1")
        )

        async def accept(arguments: object) -> None:
            assert self.calls.stdin is not None
            self.calls.stdin.write(f"{job.id} {length}\n".encode())

        async def reject(terminate: bool) -> None:
            self.refused += 1

        begun = time.thread_time()
        await self.desk.request(JobRequest(job=job, on_reject=reject, on_accept=accept))
        self.took.append(time.thread_time() - begun)


async def lateness(found: list[float]) -> None:
    """Note how late this loop is, until cancelled."""
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(TICK)
        found.append(time.perf_counter() - begun - TICK)


async def measure(count: int, seconds: float) -> str:
    """Have so many calls at a time for so long; return a line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(state_dir=Path(folder), max_calls=count + 1)
        recovery = Recovery(settings)
        desk = admission.Admission(settings, recovery.heartbeats, mock.Mock())
        async with recovery.heartbeats.listening():
            process = await asyncio.create_subprocess_exec(
                sys.executable, __file__, "--in", folder, stdin=PIPE, stdout=PIPE
            )
            assert process.stdout is not None
            await process.stdout.readline()
            offering, late = Offering(desk, process), list[float]()
            works = (offering.keep(count), recovery.sweep(), lateness(late))
            tasks = [asyncio.create_task(work) for work in works]
            try:
                async with asyncio.timeout(START_LIMIT):
                    while len(recovery.heartbeats.rooms) < count or not all(
                        map(recovery.heartbeats.joined, list(recovery.heartbeats._calls))
                    ):
                        await asyncio.sleep(0.2)
                late.clear()
                before, begun = used(), time.monotonic()
                await asyncio.sleep(seconds)
                took, after = time.monotonic() - begun, used()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                process.kill()
                await process.wait()
                await recovery.heartbeats.all_over(START_LIMIT)
        if offering.refused:
            raise RuntimeError(f"{offering.refused} calls were refused")
    cores, wakes = ((now - then) / took for now, then in zip(after, before, strict=True))
    wakes -= len(late) / took  # those that look at the lateness
    offers = 1000 * statistics.median(offering.took)
    return (
        f"{count:>5}{cores:>10.4f}{100 * cores / count:>20.3f}{wakes:>10.0f}{offers:>11.2f} ms"
        f"{1000 * sorted(late)[int(len(late) * 0.99)]:>9.1f} ms"
    )


def used() -> tuple[float, int]:
    """Return the seconds of processor time of this process, and how often it has waited."""
    return time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def memory_look() -> float:
    """Return the seconds of processor time of a look at a process as large as this."""
    process = psutil.Process()
    begun = time.thread_time()
    for _ in range(LOOKS):
        process.memory_full_info()
    return (time.thread_time() - begun) / LOOKS


async def run(counts: Sequence[int], seconds: float) -> None:
    """Measure, and print a table."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; calls of {LENGTH:.0f} s")
    print("calls     cores  of a core, each 100  wake-ups  accepted in  late (p99)")
    with (
        mock.patch.object(admission, "mark_taken", mock.AsyncMock()),
        mock.patch.object(Recovery, "lost", mock.AsyncMock()),  # those that are left at the end
        mock.patch.multiple(heartbeat_monitor, JOINING=START_LIMIT, BLOCKED=START_LIMIT),
    ):
        for count in counts:
            print(await measure(count, seconds), flush=True)
    look = memory_look()
    print(
        f"LiveKit's look at a process: {1000 * look:.1f} ms, "
        f"so {look / 5 * 100:.3f} of a core for 100 calls"
    )


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 50, 100, 200])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--in", dest="folder", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    work = have_calls(Path(asked.folder)) if asked.folder else run(asked.calls, asked.seconds)
    asyncio.run(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
