"""What `host doctor` counts in a container: its share of the machine, not the machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from host.cli.doctor.cgroup import CGroups
from host.cli.doctor.machine import Machine

UNLIMITED = "9223372036854771712"
V1 = "4:memory:/docker/1a\n2:cpu,cpuacct:/docker/1a\n1:name=systemd:/docker/1a\n"


def cgroups(folder: Path, own: str, files: Mapping[str, str]) -> CGroups:
    """The cgroups of a process, as files of a temporary folder."""
    (folder / "own").write_text(own)
    for path, text in files.items():
        file = folder / "mount" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    return CGroups(folder / "mount", folder / "own")


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "150000 100000"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000"}, None),
        ("0::/\n", {}, None),
        ("", {"cpu.max": "150000 100000"}, None),
        ("0::/pod/a\n", {"pod/a/cpu.max": "max 100000", "pod/cpu.max": "50000 100000"}, 0.5),
        ("0::/pod/a\n", {"pod/a/cpu.max": "20000 10000", "pod/cpu.max": "400000 100000"}, 2.0),
        ("0::/not/in/here\n", {"cpu.max": "200000 100000"}, 2.0),
        (V1, {"cpu/cpu.cfs_quota_us": "250000", "cpu/cpu.cfs_period_us": "100000"}, 2.5),
        (V1, {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("1:name=systemd:/\n0::/\n", {"cpu.max": "100000 100000"}, 1.0),
    ],
)
def test_cores_are_those_of_the_narrowest_quota(
    own: str, files: Mapping[str, str], cores: float | None, tmp_path: Path
) -> None:
    assert cgroups(tmp_path, own, files).cores() == cores


@pytest.mark.parametrize(
    ("own", "files", "left"),
    [
        ("0::/\n", {"memory.max": "1000", "memory.current": "300"}, 700),
        (
            "0::/\n",
            {
                "memory.max": "1000",
                "memory.current": "900",
                "memory.stat": "anon 400\ninactive_file 500",
            },
            600,
        ),
        ("0::/\n", {"memory.max": "1000", "memory.current": "1200"}, 0),
        ("0::/\n", {"memory.max": "max", "memory.current": "300"}, None),
        (
            "0::/pod\n",
            {
                "memory.max": "1000",
                "memory.current": "950",
                "pod/memory.max": "500",
                "pod/memory.current": "100",
            },
            50,
        ),
        (
            V1,
            {
                "memory/memory.limit_in_bytes": "1000",
                "memory/memory.usage_in_bytes": "900",
                "memory/memory.stat": "inactive_file 0\ntotal_inactive_file 500",
            },
            600,
        ),
    ],
)
def test_memory_is_what_the_lowest_limit_leaves(
    own: str, files: Mapping[str, str], left: int | None, tmp_path: Path
) -> None:
    assert cgroups(tmp_path, own, files).memory() == left


def test_a_machine_counts_its_container(tmp_path: Path) -> None:
    files = {"cpu.max": "50000 100000", "memory.max": "1000", "memory.current": "300"}
    machine = Machine(cgroups(tmp_path, "0::/\n", files))
    assert (machine.share(), machine.memory()) == (0.5, 700)
    assert machine.cores() >= 1  # what the load is of


def test_a_machine_without_a_limit_counts_itself(tmp_path: Path) -> None:
    files = {
        "memory/memory.limit_in_bytes": UNLIMITED,
        "memory/memory.usage_in_bytes": "300",
        "cpu/cpu.cfs_quota_us": "100000000000",
        "cpu/cpu.cfs_period_us": "100000",
    }
    machine = Machine(cgroups(tmp_path, V1, files))
    assert machine.share() == machine.cores()
    assert 1_000_000 < machine.memory() < 2**50
