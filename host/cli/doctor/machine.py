"""What checks ask this machine; a test gives its own answers."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path


class Machine:
    """This machine."""

    def now(self) -> float:
        """Return the time of its clock, in seconds since 1970."""
        return time.time()

    def cores(self) -> int:
        """Return how many cores this process may use."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1

    def load(self) -> float:
        """Return how many processes want to run, over the last minute."""
        return os.getloadavg()[0]

    def memory(self) -> int:
        """Return the bytes of memory that are available."""
        import psutil

        return int(psutil.virtual_memory().available)

    def free(self, path: Path) -> int:
        """Return the free bytes of the disk that a path is on, or will be on."""
        there = next(each for each in (path, *path.absolute().parents) if each.exists())
        return shutil.disk_usage(there).free
