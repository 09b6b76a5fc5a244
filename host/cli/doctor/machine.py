"""What checks ask this machine; a test gives its own answers."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from host.cli.doctor.cgroup import CGroups


class Machine:
    """This machine, or the container's share of it."""

    def __init__(self, cgroups: CGroups | None = None) -> None:
        self._cgroups = cgroups or CGroups()

    def now(self) -> float:
        """Return the time of its clock, in seconds since 1970."""
        return time.time()

    def cores(self) -> int:
        """Return on how many cores this process may run."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1

    def share(self) -> float:
        """Return the processor time that this process may use, in cores."""
        cores, quota = self.cores(), self._cgroups.cores()
        return cores if quota is None else min(cores, quota)

    def load(self) -> float:
        """Return how many processes of the whole machine want to run, over the last minute."""
        return os.getloadavg()[0]

    def memory(self) -> int:
        """Return the bytes of memory that are available to this process."""
        import psutil

        available, left = int(psutil.virtual_memory().available), self._cgroups.memory()
        return available if left is None else min(available, left)

    def free(self, path: Path) -> int:
        """Return the free bytes of the disk that a path is on, or will be on."""
        there = next(each for each in (path, *path.absolute().parents) if each.exists())
        return shutil.disk_usage(there).free
