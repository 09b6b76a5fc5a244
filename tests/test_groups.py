"""What the tests need of the packages that run them."""

from __future__ import annotations

import pytest
from programs import collected


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
