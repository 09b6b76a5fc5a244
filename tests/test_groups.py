"""What the tests need of the packages that run them."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("together")
def test_tests_of_one_group_share_a_worker(request: pytest.FixtureRequest) -> None:
    # Otherwise calls are at one time that must not be, and servers are up twice: words get lost.
    if hasattr(request.config, "workerinput"):
        assert request.node.nodeid.endswith("@together")
