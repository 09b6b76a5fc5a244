"""How long a list of live calls takes: `python benchmarks/listing.py [--calls 100] [--log 20000]`.

Writes checkpoints of live calls, each with a transcript of some minutes, and a call log, into a
temporary folder; then asks the API for them, without a socket. Printed: milliseconds of a first
request, which reads all files, and of later ones, as a program sees them that asks again while a
tenth of the calls go on talking. Ends with 1 where a page of live calls takes 100 ms or more.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

from in_process_api import NUMBER, TOKEN, Api, an_api_in_process
from stored import a_record

from host.records.record import Utterance
from host.settings import load_settings

LIMIT = 0.1
"""Seconds that a page of live calls may take."""
ROUNDS = 20
SAID = "I would like to change my appointment of next Tuesday to another day, if that is possible."
PERSONA = (
    '"""ann"""\nfrom host import hookimpl\n\n\n@hookimpl\ndef instructions(call):\n    return ""\n'
)


def talks(api: Api, at: int, begun: datetime, lines: int) -> None:
    """Have a live call with so many utterances."""
    said = [Utterance(at=begun, who="caller", text=SAID)] * lines
    number = f"{NUMBER[:-4]}{at:04}"
    api.live(f"AJ_{at:04}", dispatched_at=begun, answered_at=begun, number=number, transcript=said)


def write_log(api: Api, calls: int) -> None:
    """Have a call log of a week."""
    now = datetime.now(UTC)
    with api.settings.call_log.open("w") as log:
        for at in range(calls):
            begun = now - timedelta(days=6.9 * (1 - at / calls))
            ended = begun + timedelta(minutes=2)
            record = a_record(id=f"AJ_old{at}", dispatched_at=begun, ended_at=ended)
            log.write(f"{record.model_dump_json()}\n")


@dataclass
class Took:
    """What requests of one kind took, in seconds."""

    what: str
    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    async def ask(self, api: Api, expected: int, **query: Any) -> None:
        """Ask for a page with so many calls."""
        clock, processor = time.perf_counter(), time.process_time()
        calls, _ = await api.page(**query)
        self.processor.append(time.process_time() - processor)
        self.clock.append(time.perf_counter() - clock)
        assert len(calls) == expected, len(calls)

    def __str__(self) -> str:
        median, worst = statistics.median(self.clock) * 1000, max(self.clock) * 1000
        processor = statistics.median(self.processor) * 1000
        return f"{self.what:36} {median:7.1f} {worst:7.1f} {processor:10.1f}"


async def measure(calls: int, log: int) -> bool:
    """Print the times; return whether they are within the limit."""
    first, later = Took("live calls, first request"), Took("live calls, later requests")
    everything = Took("live and recent calls, 50 on a page")
    expected = min(calls, 200)
    page = {"live": "true", "limit": expected}
    async with an_api_in_process(load_settings(), watched=lambda call: True) as api:
        begun = datetime.now(UTC) - timedelta(minutes=10)
        for at in range(calls):
            talks(api, at, begun + timedelta(seconds=at), 40)
        write_log(api, log)
        await first.ask(api, expected, **page)
        for turn in range(ROUNDS):
            for at in range(0, calls, 10):
                talks(api, at, begun + timedelta(seconds=at), 41 + turn)
            await later.ask(api, expected, **page)
        for _ in range(ROUNDS):
            await everything.ask(api, 50, limit=50)
    print(f"{calls} live calls, {log} in the log, {os.cpu_count()} processors; milliseconds")
    print(f"{'':36} {'median':>7} {'worst':>7} {'processor':>10}")
    print(first, later, everything, sep="\n")
    return first.clock[0] < LIMIT and statistics.median(later.clock) < LIMIT


def main() -> None:
    """Measure in a deployment of its own."""
    given = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    given.add_argument("--calls", type=int, default=100)
    given.add_argument("--log", type=int, default=20_000)
    wanted = given.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in [name for name in os.environ if name.startswith(("HOST_", "LIVEKIT_"))]:
            del os.environ[name]
        Path("personas").mkdir()
        Path("personas/ann.py").write_text(PERSONA)
        Path("host.toml").write_text(f'api_port = 0\napi_token = "{TOKEN}"\napi_rate = 10000\n')
        within = asyncio.run(measure(wanted.calls, wanted.log))
        os.chdir("/")
    raise SystemExit(0 if within else 1)


if __name__ == "__main__":
    main()
