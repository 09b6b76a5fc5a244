"""Budgets: how many calls a persona has at once and had today, across processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from host.compliance.budget import Budget, Exhausted
from host.settings import PersonaSettings

ONE_AT_ONCE = PersonaSettings(max_calls=1)
TWO_A_DAY = PersonaSettings(max_calls_a_day=2)
A_MINUTE_A_DAY = PersonaSettings(max_minutes_a_day=1)


@pytest.fixture
def budget(tmp_path: Path) -> Budget:
    """A budget of nobody yet."""
    return Budget(tmp_path / "state")


def test_nothing_is_counted_for_a_persona_without_such_limits(
    budget: Budget, tmp_path: Path
) -> None:
    assert budget.admit("1", "ann", PersonaSettings()) is None
    assert not (tmp_path / "state").exists()


def test_a_call_too_many_is_refused_until_one_is_over(budget: Budget) -> None:
    budget.admit("1", "ann", ONE_AT_ONCE)
    with pytest.raises(Exhausted, match=r"reached its limit of live calls \(1\)") as refusal:
        budget.admit("2", "ann", ONE_AT_ONCE)
    assert not refusal.value.today
    budget.settle("1", 12.0, ONE_AT_ONCE)
    budget.admit("3", "ann", ONE_AT_ONCE)


def test_each_persona_is_counted_by_itself(budget: Budget) -> None:
    budget.admit("1", "ann", ONE_AT_ONCE)
    budget.admit("2", "bob", ONE_AT_ONCE)


def test_of_many_at_the_same_moment_as_many_are_admitted_as_may_be(budget: Budget) -> None:
    three = PersonaSettings(max_calls=3)

    def admitted(call: int) -> bool:
        try:
            budget.admit(str(call), "ann", three)
        except Exhausted:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(admitted, range(40))) == 3


def test_the_calls_of_a_day_are_counted_whether_or_not_they_are_over(budget: Budget) -> None:
    budget.admit("1", "ann", TWO_A_DAY)
    budget.settle("1", 1.0, TWO_A_DAY)
    budget.admit("2", "ann", TWO_A_DAY)
    with pytest.raises(Exhausted, match=r"reached its daily limit of calls \(2\)") as refusal:
        budget.admit("3", "ann", TWO_A_DAY)
    assert refusal.value.today


def test_a_call_may_last_as_long_as_there_are_minutes_left_today(budget: Budget) -> None:
    assert budget.admit("1", "ann", A_MINUTE_A_DAY) == 60
    budget.settle("1", 45.0, A_MINUTE_A_DAY)
    left = budget.admit("2", "ann", A_MINUTE_A_DAY)
    assert left is not None
    assert 14 < left <= 15
    budget.settle("2", 20.0, A_MINUTE_A_DAY)
    with pytest.raises(Exhausted, match=r"ann has reached its daily limit of minutes \(1\)"):
        budget.admit("3", "ann", A_MINUTE_A_DAY)


def test_live_calls_share_the_minutes_of_a_day(budget: Budget) -> None:
    ten = PersonaSettings(max_minutes_a_day=10, max_duration=240)
    assert [budget.admit(str(call), "ann", ten) for call in range(3)] == [600, 360, 120]
    with pytest.raises(Exhausted, match=r"minutes \(10, including what its 3 live calls may use\)"):
        budget.admit("3", "ann", ten)
    budget.settle("0", 60.0, ten)
    left = budget.admit("4", "ann", ten)
    assert left is not None
    assert 59 < left <= 60


def test_of_many_at_once_none_takes_the_minutes_of_another(budget: Budget) -> None:
    limits = PersonaSettings(max_minutes_a_day=10, max_duration=90)

    def longest(call: int) -> float:
        try:
            left = budget.admit(str(call), "ann", limits)
        except Exhausted:
            return 0.0
        assert left is not None
        return min(left, limits.max_duration)

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(longest, range(40))) <= 600
    assert longest(40) == 0.0


def test_a_call_that_is_taken_over_has_what_the_others_leave_it(budget: Budget) -> None:
    ten = PersonaSettings(max_minutes_a_day=10, max_duration=240)
    for call in ("1", "2", "3"):
        budget.admit(call, "ann", ten)
    assert budget.adopt("3", ten) == 120
    budget.settle("1", 60.0, ten)
    assert budget.adopt("3", ten) == 300


def test_a_call_that_was_never_made_is_none_of_the_day(budget: Budget) -> None:
    for call in range(5):
        budget.admit(str(call), "ann", TWO_A_DAY)
        budget.settle(str(call), 0.0, TWO_A_DAY, made=False)
    budget.admit("5", "ann", TWO_A_DAY)
    budget.admit("6", "ann", TWO_A_DAY)


def test_to_ask_counts_nothing_and_knows_each_day(budget: Budget, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for _ in range(5):
        budget.require("ann", TWO_A_DAY, now)
    assert not (tmp_path / "state").exists()
    for call in ("1", "2"):
        budget.admit(call, "ann", TWO_A_DAY)
    with pytest.raises(Exhausted, match=r"reached its daily limit of calls \(2\)"):
        budget.require("ann", TWO_A_DAY, now)
    budget.require("ann", TWO_A_DAY, now + timedelta(days=1))
    budget.require("bob", TWO_A_DAY, now)


def test_a_new_day_begins_with_nothing(budget: Budget, monkeypatch: pytest.MonkeyPatch) -> None:
    budget.admit("1", "ann", TWO_A_DAY)
    budget.settle("1", 1.0, TWO_A_DAY)
    budget.admit("2", "ann", TWO_A_DAY)
    budget.settle("2", 1.0, TWO_A_DAY)
    monkeypatch.setattr("host.compliance.budget._today", lambda: "2999-01-01")
    budget.admit("3", "ann", TWO_A_DAY)


@pytest.mark.processes
def test_a_call_whose_process_died_is_no_longer_one_of_those_at_once(
    budget: Budget, tmp_path: Path
) -> None:
    program = """
        import os, sys
        from pathlib import Path
        from host.compliance.budget import Budget
        from host.settings import PersonaSettings
        Budget(Path(sys.argv[1])).admit("1", "ann", PersonaSettings(max_calls=1))
        os._exit(9)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program), tmp_path / "state"])
    assert done.returncode == 9
    budget.admit("2", "ann", ONE_AT_ONCE)
    with sqlite3.connect(tmp_path / "state" / "state.db") as calls:
        calls.execute(
            "UPDATE counted_calls SET seconds = NULL, begun = begun - 7200 WHERE id = '1'"
        )
    calls.close()
    budget.settle("2", 0.0, ONE_AT_ONCE)
    two_hours = PersonaSettings(max_minutes_a_day=20, max_duration=900)
    left = budget.admit("3", "ann", two_hours)
    assert left == 300  # nobody talked for longer than a call may last


def test_the_count_is_small_whatever_there_was(budget: Budget, tmp_path: Path) -> None:
    for call in range(20):
        budget.admit(str(call), "ann", PersonaSettings(max_calls=30))
        budget.settle(str(call), 1.0, ONE_AT_ONCE)
    with sqlite3.connect(tmp_path / "state" / "state.db") as calls:
        calls.execute("UPDATE counted_calls SET day = '2000-01-01'")
    calls.close()
    budget.admit("last", "ann", ONE_AT_ONCE)
    with sqlite3.connect(tmp_path / "state" / "state.db") as calls:
        assert calls.execute("SELECT COUNT(*) FROM counted_calls").fetchone() == (1,)
    calls.close()


def test_a_call_that_comes_back_to_a_persona_is_the_same_call(budget: Budget) -> None:
    limits = PersonaSettings(max_calls=1, max_calls_a_day=1, max_minutes_a_day=10)
    assert budget.admit("1", "ann", limits) == 600
    budget.settle("1", 60.0, limits)
    assert budget.admit("1", "ann", limits, before=60.0) == 600
    with pytest.raises(Exhausted):
        budget.admit("2", "ann", limits)
    budget.settle("1", 90.0, limits)
    with pytest.raises(Exhausted, match="daily limit of calls"):
        budget.admit("2", "ann", limits)
