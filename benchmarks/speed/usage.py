"""What a worker uses: memory and processor time of its processes, from /proc."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

MB = 1024**2
LOOKS = 5
"""Looks, a second apart, at which steady memory is the same: processes are made meanwhile."""
STEADY = 0.01
"""Part by which two looks at steady memory may differ."""


def pss_of(smaps_rollup: str) -> int:
    """Read the bytes of PSS from the text of /proc/PID/smaps_rollup."""
    for line in smaps_rollup.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError("no line of smaps_rollup has the PSS")


def processes(pids: Iterable[int]) -> list[psutil.Process]:
    """Return these processes and all below them that are there."""
    found: dict[int, psutil.Process] = {}
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(pid)
            for process in (parent, *parent.children(recursive=True)):
                found[process.pid] = process
    return list(found.values())


def memory(pids: Iterable[int]) -> float:
    """Return the PSS of process trees, in MB: a shared page counts in part for each that has it."""
    total = 0
    for process in processes(pids):
        with contextlib.suppress(OSError, ValueError):  # it may end meanwhile
            total += pss_of(Path(f"/proc/{process.pid}/smaps_rollup").read_text())
    return total / MB


def cpu(pids: Iterable[int]) -> float:
    """Return the seconds of processor time of process trees, with children that have ended."""
    total = 0.0
    for process in processes(pids):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


async def steady_memory(pids: Iterable[int], limit: float = 15.0) -> float:
    """Wait until the memory of process trees stays the same for some looks; return it, in MB.

    After `limit` seconds it is what it is then.
    """
    pids, end = list(pids), time.monotonic() + limit
    looks = [await asyncio.to_thread(memory, pids)]
    while time.monotonic() < end:
        await asyncio.sleep(1.0)  # memory has no event
        looks.append(await asyncio.to_thread(memory, pids))
        if len(looks) >= LOOKS and max(looks[-LOOKS:]) - min(looks[-LOOKS:]) <= STEADY * looks[-1]:
            break
    return looks[-1]
