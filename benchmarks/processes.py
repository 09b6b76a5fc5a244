"""What a worker's processes take: memory by mapping (smaps), processor time, wake-ups.

PSS counts a page that n processes share as 1/n in each of them: the PSS of a tree of processes is
what it takes of the machine. Private dirty is what one process has written, and what its end frees.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import psutil

Role = Literal["main", "resource tracker", "forkserver", "helper", "idle", "call"]
Kind = Literal["anonymous", "heap", "files"]
"""Arenas of Python and of native threads, and weights; brk; libraries and other files."""
KINDS: tuple[Kind, ...] = get_args(Kind)

_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)")
_FIGURES = ("Pss", "Private_Dirty", "Shared_Dirty")


@dataclass(frozen=True)
class Memory:
    """MB of one process: of each kind of mapping PSS, private dirty and shared dirty."""

    of: dict[Kind, tuple[float, float, float]]

    def total(self, figure: int) -> float:
        """One of the three, of all mappings."""
        return sum(figures[figure] for figures in self.of.values())

    @property
    def pss(self) -> float:
        """The process's share of the machine."""
        return self.total(0)


HEADER = f"{'':<20}{'PSS':>7}{'private':>9}  =" + "".join(f"{kind:>11}" for kind in KINDS)
HEADER += f"{'shared':>9}"
"""The columns of `table`; private and shared are dirty pages, the parts are those of private."""


def memory_of(pid: int) -> Memory:
    """Read /proc/PID/smaps. Raises OSError if the process has ended."""
    found: dict[Kind, list[float]] = {kind: [0.0, 0.0, 0.0] for kind in KINDS}
    figures = found["anonymous"]
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if mapping := _MAPPING.fullmatch(line):
            figures = found[_kind(mapping[1])]
        else:
            name, _, value = line.partition(":")
            if name in _FIGURES:
                figures[_FIGURES.index(name)] += int(value.split()[0]) / 1024
    return Memory({kind: (pss, own, shared) for kind, (pss, own, shared) in found.items()})


def _kind(name: str) -> Kind:
    if name == "[heap]":
        return "heap"
    return "files" if name.startswith("/") else "anonymous"


def tree_of(pid: int, calls: Collection[int] = ()) -> dict[Role, list[Memory]]:
    """Measure a worker's processes, by role; `calls` are those that have a call."""
    found: dict[Role, list[Memory]] = {}
    for process in below(pid):
        with contextlib.suppress(OSError, psutil.Error):  # it may end meanwhile
            found.setdefault(_role(process, pid, calls), []).append(memory_of(process.pid))
    return found


def below(pid: int) -> list[psutil.Process]:
    """Return a process and all below it."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _role(process: psutil.Process, parent: int, calls: Collection[int]) -> Role:
    if process.pid == parent:
        return "main"
    if process.pid in calls:
        return "call"
    command = " ".join(process.cmdline())
    if "resource_tracker" in command:
        return "resource tracker"
    if process.ppid() != parent:
        return "idle"
    return "forkserver" if "forkserver" in command else "helper"


def whole(tree: dict[Role, list[Memory]]) -> float:
    """Return the PSS of all processes together, in MB."""
    return sum(memory.pss for group in tree.values() for memory in group)


def table(tree: dict[Role, list[Memory]]) -> Iterator[str]:
    """Tell of each role the mean of its processes, in MB."""
    yield HEADER
    for role, group in tree.items():
        parts = "".join(f"{_mean([one.of[kind][1] for one in group]):>11.1f}" for kind in KINDS)
        pss, own, shared = (_mean([one.total(figure) for one in group]) for figure in range(3))
        name = f"{role} x {len(group)}" if len(group) > 1 else role
        yield f"{name:<20}{pss:>7.1f}{own:>9.1f}   {parts}{shared:>9.1f}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def used_below(pid: int) -> dict[int, tuple[float, int]]:
    """Return, of a process and each one below it: seconds of processor time, and wake-ups.

    A wake-up is a thread that goes on after it has waited for something.
    """
    found = {}
    for process in below(pid):
        with contextlib.suppress(OSError, psutil.Error):  # it may end meanwhile
            times = process.cpu_times()
            found[process.pid] = (float(times.user + times.system), _wake_ups(process.pid))
    return found


def _wake_ups(pid: int) -> int:
    """Add up what each thread has waited so far; threads that have ended are not counted."""
    count = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with contextlib.suppress(OSError):
            found = re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status.read_text(), re.M)
            count += int(found[1]) if found else 0
    return count
