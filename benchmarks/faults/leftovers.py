"""What must not be left when all calls are over, and what a worker's parent uses meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
import psutil

from host.local.phone import PhoneCall
from host.privacy import mask_room


@dataclass(frozen=True)
class Sample:
    """What the parent uses at one moment."""

    at: float
    """Seconds since the beginning."""
    memory: float
    """Memory of its own (USS), in MB."""
    files: int
    """Open file descriptors."""
    processes: int
    """Processes below it."""


@dataclass(frozen=True)
class Slope:
    """How fast something grows in an hour, and within which limits that lies with 95 %."""

    an_hour: float
    low: float
    high: float


def sample(pid: int, at: float) -> Sample:
    """Look at a worker's parent."""
    parent = psutil.Process(pid)
    return Sample(
        round(at, 1),
        round(parent.memory_full_info().uss / 1024**2, 2),
        parent.num_fds(),
        len(parent.children(recursive=True)),
    )


def slope(samples: Sequence[Sample], warm_up: float = 300.0) -> Slope | None:
    """Fit a line through the memory's medians of each minute, after the warm-up.

    A quarter of the time counts as warm-up where all of it is short. None: there is too little.
    """
    if not samples:
        return None
    begin = min(warm_up, samples[-1].at / 4)
    minutes: dict[int, list[float]] = {}
    for one in samples:
        if one.at >= begin:
            minutes.setdefault(int(one.at // 60), []).append(one.memory)
    if len(minutes) < 4:
        return None
    hours = np.array(sorted(minutes)) / 60
    memory = np.array([np.median(minutes[minute]) for minute in sorted(minutes)])
    steep, level = np.polyfit(hours, memory, 1)
    spread = np.sum((memory - steep * hours - level) ** 2) / (len(hours) - 2)
    error = sqrt(float(spread / np.sum((hours - hours.mean()) ** 2)))
    margin = _T95.get(len(hours) - 2, 2.0) * error
    return Slope(float(steep), float(steep) - margin, float(steep) + margin)


_T95 = {2: 4.3, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26, 10: 2.23}
"""Student's t for 95 % and few degrees of freedom; 2 for more."""


def unrecorded(log: Path, calls: Sequence[PhoneCall]) -> list[str]:
    """Say which calls that were answered have not exactly one record in the call log."""
    lines = log.read_text().splitlines() if log.exists() else []
    records = Counter(mask_room(json.loads(line)["room"]) for line in lines)
    answered = [call for call in calls if call.answered_at]
    return [
        f"{call.room} has {number} records"
        for call in answered
        if (number := records[mask_room(call.room)]) != 1
    ]


def checkpoints(state: Path) -> list[str]:
    """Name the records that are still unfinished."""
    return [file.name for file in (state / "unfinished").glob("*")]


def processes_of_group(group: int) -> list[str]:
    """Name what still runs of a group of processes."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid} {process.name()}")
    return found
