"""What the tests need of the packages that run them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from deployment import HERE
from programs import without_pytest


@pytest.mark.xdist_group("together")
def test_tests_of_one_group_share_a_worker(request: pytest.FixtureRequest) -> None:
    # Otherwise calls are at one time that must not be, and servers are up twice: words get lost.
    if hasattr(request.config, "workerinput"):
        assert request.node.nodeid.endswith("@together")


@pytest.mark.processes
def test_of_a_table_some_rows_are_quick_and_all_are_in_make_test() -> None:
    table = "tests/calls/test_providers.py"
    quick, usual, whole = collected(table, "--quick"), collected(table), collected(table, "-m", "")
    told = [name for name in whole if "test_a_provider_alone_fails" in name and "[memory" in name]
    assert len(told) == 17
    assert [name for name in told if name in usual] == told
    assert [name for name in told if name in quick] == told[::4]


def collected(file: str, *options: str) -> list[str]:
    """The tests that pytest would run of a file."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-q", "--collect-only", *options, file],
        cwd=HERE.parent,
        env=without_pytest(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return re.findall(r"^(tests/.*)$", done.stdout, re.MULTILINE)
