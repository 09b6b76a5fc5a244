"""Which process asks, also where the system does not tell when it began."""

from __future__ import annotations

import os

import psutil
import pytest

from host.base import processes
from host.base.processes import this_process


def test_a_system_that_does_not_tell_costs_nothing_and_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def denied(number: int) -> psutil.Process:
        raise psutil.AccessDenied(number)

    processes._this_began.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(psutil, "Process", denied)
        assert this_process().began == 0.0
    assert this_process().number == os.getpid()
    assert this_process().began == psutil.Process().create_time()
