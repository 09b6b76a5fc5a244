"""The benchmark of speed: what it makes of measured values. Its calls are no tests."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from speed import summary
from speed.goals import GOALS, Goal, Judged, Verdict, judge, regressed
from speed.plan import FULL, SHORT, rotated
from speed.results import TARGETS, Results, joined, read, write
from speed.usage import cpu, memory, pss_of


def measured(**values: list[float]) -> Results:
    """Results of one figure, by target."""
    results = Results("2 cores", {"livekit": "1"}, "2026-11-30T12:00:00")
    for target, each in values.items():
        for value in each:
            results.add("first word", target, value)
    return results


def judged(results: Results, goal: Goal) -> Judged:
    return judge(results, [goal])[0]


def test_a_median_lies_within_its_interval() -> None:
    chance = random.Random(1)
    values = [chance.gauss(500, 40) for _ in range(40)]
    found = summary.interval(values)
    assert found.low < found.value < found.high
    assert 5 < found.high - found.low < 60
    assert summary.interval(values) == found  # the same values, the same interval


def test_one_value_has_no_spread_and_none_has_no_median() -> None:
    assert summary.interval([7.0], "p95") == summary.Interval(7.0, 7.0, 7.0)
    with pytest.raises(ValueError, match="nothing was measured"):
        summary.interval([])


@pytest.mark.parametrize(("statistic", "value"), [("p50", 50.5), ("p95", 95.05), ("worst", 100)])
def test_each_statistic_of_the_numbers_to_a_hundred(statistic: str, value: float) -> None:
    assert summary.of([float(each) for each in range(1, 101)], statistic) == pytest.approx(value)


def test_a_ratio_is_that_of_the_medians() -> None:
    found = summary.ratio([400, 410, 390], [500, 500, 500])
    assert found.value == pytest.approx(0.8)
    assert found.low == pytest.approx(0.78)
    assert found.high == pytest.approx(0.82)
    with pytest.raises(ValueError, match="no ratio to zero"):
        summary.ratio([1.0], [0.0])


FASTER = Goal("first word", 0.80, to="openrtc")


def test_a_goal_holds_up_to_its_limit() -> None:
    assert judged(measured(host=[400] * 5, openrtc=[500] * 5), FASTER).verdict == Verdict.HOLDS
    missed = judged(measured(host=[410] * 5, openrtc=[500] * 5), FASTER)
    assert missed.verdict == Verdict.FAILS
    assert missed.sure
    assert regressed([missed])


def test_a_verdict_within_the_noise_says_so() -> None:
    noisy = measured(host=[300, 390, 410, 600], openrtc=[400, 490, 510, 620])
    assert not judged(noisy, FASTER).sure


def test_a_limit_without_another_target_is_absolute() -> None:
    goal = Goal("first word", 60.0)
    assert judged(measured(host=[20, 59, 80]), goal).verdict == Verdict.HOLDS
    assert judged(measured(host=[20, 61, 80]), goal).verdict == Verdict.FAILS


def test_a_goal_may_compare_other_settings() -> None:
    results = measured()
    results.add("idle memory", "host", 300, 10)
    results.add("idle memory", "plain", 500, 1)
    goal = Goal("idle memory", 0.7, "10", to="plain", to_setting="1")
    found = judged(results, goal).found
    assert found is not None
    assert found.value == pytest.approx(0.6)


def test_whoever_is_cut_off_more_often_misses_the_goal() -> None:
    results, goal = measured(), Goal("cut off", 0.0, "default", to="plain", difference=True)
    for value in (0.0, 100.0):
        results.add("cut off", "plain", value, "default")
        results.add("cut off", "host", value, "default")
    assert judged(results, goal).verdict == Verdict.HOLDS
    results.add("cut off", "host", 100.0, "default")
    assert judged(results, goal).verdict == Verdict.FAILS


def test_a_figure_of_the_host_that_failed_is_no_success() -> None:
    results = measured(openrtc=[500])
    results.miss("first word", "host", "nothing was heard within 20 s")
    unknown = judged(results, FASTER)
    assert (unknown.verdict, unknown.reason) == (
        Verdict.UNKNOWN,
        "nothing was heard within 20 s",
    )
    assert regressed([unknown])


def test_a_target_that_can_not_be_installed_is_no_regression() -> None:
    results = measured(host=[400])
    results.unavailable["openrtc"] = "openrtc is not installed"
    unknown = judged(results, FASTER)
    assert (unknown.verdict, unknown.reason) == (Verdict.UNKNOWN, "openrtc is not installed")
    assert not regressed([unknown])


def test_every_goal_is_measured_by_both_plans() -> None:
    for plan in (FULL, SHORT):
        for goal in GOALS:
            if goal.figure in ("call memory", "call CPU", "burst", "burst gap"):
                assert int(goal.setting) in plan.calls
            if goal.figure in ("reply", "cut off"):
                assert goal.setting in plan.endpointing
            if goal.figure == "idle memory" and goal.setting != "1":
                assert int(goal.setting) in plan.personas["host"]
        assert plan.turns >= 1
        assert min(plan.first_words, plan.pauses, plan.blocked, plan.gone, plan.rounds) >= 1


def test_each_target_comes_first_as_often_as_the_others() -> None:
    orders = [rotated(list(TARGETS), at) for at in range(6)]
    assert [sorted(order) for order in orders] == [sorted(TARGETS)] * 6
    assert [order[0] for order in orders] == [*TARGETS, *TARGETS]
    assert rotated([], 3) == []


def test_results_come_back_from_the_file_as_they_were(tmp_path: Path) -> None:
    results = measured(host=[400.12346], plain=[500])
    results.miss("gone", "plain", "longer than 5 s")
    results.miss("gone", "plain", "longer than 5 s")
    write(tmp_path / "results.json", results)
    assert read(tmp_path / "results.json") == results
    assert len(results.missing) == 1
    assert results.of("first word", "host") == [400.1235]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps({"values": []}))
    with pytest.raises(ValueError, match="no results of this version"):
        read(tmp_path / "results.json")


def test_runs_on_one_machine_are_joined_and_others_are_not() -> None:
    whole = joined([measured(host=[1.0]), measured(host=[2.0]), measured(plain=[3.0])])
    assert whole.of("first word", "host") == [1.0, 2.0]
    assert whole.of("first word", "plain") == [3.0]
    other = measured(host=[1.0])
    other.machine = "64 cores"
    with pytest.raises(ValueError, match="different machines"):
        joined([whole, other])


def test_settings_that_are_numbers_come_in_their_order() -> None:
    results = measured()
    for calls in (16, 4, 1, 8):
        results.add("burst", "host", 1.0, calls)
    assert results.settings("burst") == ["1", "4", "8", "16"]


def test_memory_is_read_from_what_linux_writes() -> None:
    text = (
        "55d0-7ffe ---p 00000000 00:00 0  [rollup]\nRss:  9000 kB\nPss:  5120 kB\nPss_Anon: 4 kB\n"
    )
    assert pss_of(text) == 5 * 1024**2
    with pytest.raises(ValueError, match="PSS"):
        pss_of("Rss: 1 kB")


def test_a_process_that_is_gone_uses_nothing() -> None:
    assert memory([2**22 + 1]) == 0.0
    assert cpu([2**22 + 1]) == 0.0
