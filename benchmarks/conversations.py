"""What a test in text takes: `python benchmarks/conversations.py [--count 200]`.

Each conversation is that of README: greeting, a question and its answer, goodbye, record. The first
one, which imports LiveKit, does not count. Exits with 1 if the median is not below 50 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Sequence

from host.base.paths import EXAMPLE_PERSONAS
from host.testing import open_conversation

LIMIT = 50.0
"""Milliseconds that the median may take."""


async def talk() -> None:
    """Have one conversation with the receptionist."""
    async with open_conversation("receptionist") as call:
        turn = await call.say("What are your opening hours?")
        assert turn.text == "We are open from nine to five, Monday to Friday."
        turn = await call.say("Thank you, goodbye.")
        assert turn.tools == [("end_call", {})]
    assert call.record.outcome == "completed"


async def measure(count: int) -> tuple[list[float], list[float]]:
    """Return milliseconds of each conversation: passed, and of the processor."""
    await talk()
    passed, processor = [], []
    for _ in range(count):
        begun, busy = time.perf_counter(), time.process_time()
        await talk()
        passed.append((time.perf_counter() - begun) * 1000)
        processor.append((time.process_time() - busy) * 1000)
    return passed, processor


def described(times: Sequence[float]) -> str:
    """Show a sample in milliseconds."""
    cuts = statistics.quantiles(times, n=20)
    return f"median {cuts[9]:.1f} ms, 95 % below {cuts[18]:.1f} ms, longest {max(times):.1f} ms"


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="conversations (default: 200)")
    count = parser.parse_args().count
    os.environ["HOST_PERSONAS_DIR"] = str(EXAMPLE_PERSONAS)
    passed, processor = asyncio.run(measure(count))
    print(f"{count} conversations in text: {described(passed)}")
    print(f"processor time: {described(processor)}")
    return int(statistics.median(passed) >= LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
