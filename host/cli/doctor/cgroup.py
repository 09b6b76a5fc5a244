"""The share of a machine that a container may use: its cgroups' limits, of version 2 or 1.

LiveKit's own monitor (`livekit.agents.utils.hw`, 1.8) reads no cgroup above or below the first one,
counts two cores where version 1 sets no limit, and has nothing for memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
"""The cgroups of this process, a line each: `0::/path`, or `4:memory:/path` in version 1."""


class CGroups:
    """The cgroups of this process; a limit of one that contains another holds for both."""

    def __init__(self, mount: Path = MOUNT, own: Path = OWN) -> None:
        self._mount, self._own = mount, own

    def cores(self) -> float | None:
        """Return the processor time that the process may use, in cores; None if unlimited."""
        shares = []
        for folder in self._folders("cpu"):
            quota, _, period = _text(folder / "cpu.max").partition(" ")
            if not quota:
                quota = _text(folder / "cpu.cfs_quota_us")
                period = _text(folder / "cpu.cfs_period_us")
            with suppress(ValueError, ZeroDivisionError):  # "max", or no such file
                shares.append(int(quota) / int(period))
        return min((share for share in shares if share > 0), default=None)

    def memory(self) -> int | None:
        """Return the bytes of memory that the process may still use; None if unlimited."""
        left = []
        for folder in self._folders("memory"):
            for limit, usage in _MEMORY:
                with suppress(ValueError):
                    used = int(_text(folder / usage)) - _reclaimable(folder)
                    left.append(int(_text(folder / limit)) - used)
        return max(0, min(left)) if left else None

    def _folders(self, controller: str) -> Iterator[Path]:
        """Yield the folder of each cgroup that the process is in.

        In a container, the path may be the machine's, of which only the mount's root is there.
        """
        for line in _text(self._own).splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            root = self._mount / controller if controllers else self._mount
            within = Path(path.lstrip("/"))
            yield from (root / part for part in (within, *within.parents))


_MEMORY = (
    ("memory.max", "memory.current"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes"),
)
"""The files of limit and usage, of both versions; without a limit, the latter has some 2**63."""


def _reclaimable(folder: Path) -> int:
    """Return the bytes of cached files that the kernel takes back first."""
    told = dict(line.split(" ", 1) for line in _text(folder / "memory.stat").splitlines())
    return int(told.get("total_inactive_file") or told.get("inactive_file") or 0)


def _text(file: Path) -> str:
    with suppress(OSError):
        return file.read_text().strip()
    return ""
