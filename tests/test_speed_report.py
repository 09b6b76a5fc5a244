"""The benchmark of speed: its page, its lines for a terminal, its plots."""

from __future__ import annotations

from pathlib import Path

import pytest
from speed import plots, report
from speed.goals import FIGURES, GOALS, PARTS, judge
from speed.results import TARGETS, Results


@pytest.fixture
def results() -> Results:
    """Values of everything, the host the fastest of all."""
    found = Results("2 cores, 8 GB", {"livekit-agents": "1.8.9"}, "2026-11-30T12:00:00", took=600)
    speed = {"plain": 1.3, "openrtc": 1.2, "host": 0.9}
    for target, slower in speed.items():
        for at in range(4):
            found.add("first word", target, 400 * slower + at, at=at)
            found.add("agent joined", target, 300 * slower + at, at=at)
            for setting in ("quick", "default"):
                found.add("reply", target, 700 * slower + at, setting)
                found.add("cut off", target, 100.0 * (at % 2), setting)
                for share, part in enumerate(PARTS, 1):
                    found.add(f"reply {part}", target, 100 * share * slower, setting)
        for number in (1, 8, 10):
            for figure in ("idle memory", "call memory", "call CPU", "burst", "burst gap"):
                found.add(figure, target, 50 * slower, number)
        found.add("gone", target, 0.4)
        found.add("blocked gap", target, 20)
    return found


def test_the_page_has_a_row_for_each_figure_and_a_verdict_for_each_goal(results: Results) -> None:
    page = report.page(results, plots=False)
    assert "2 cores, 8 GB; livekit-agents 1.8.9. Measured on 2026-11-30 in 10 minutes" in page
    for figure in FIGURES:
        assert f"| {figure.title} |" in page
    for goal in GOALS:
        assert f"| {goal.name} |" in page
    assert "| first word, p50 | at most 0.80 x openrtc's | 0.75 (0.75-0.75) | holds |" in page
    assert "picture" not in page


def test_a_row_has_the_median_its_interval_and_the_number_of_values(results: Results) -> None:
    row = next(line for line in report.table(results) if "greeting heard" in line)
    assert "| p50 | 522 (520-523, n=4) | 482 (480-483, n=4) | 362 (360-363, n=4) | ms |" in row


def test_what_could_not_be_measured_says_why(results: Results) -> None:
    results.values = [each for each in results.values if each.target != "openrtc"]
    results.unavailable["openrtc"] = "openrtc is not installed"
    results.miss("gone", "plain", "longer than 5 s")
    page = report.page(results, plots=False)
    assert (
        "| agent joined, p50 | at most 1.00 x openrtc's | openrtc is not installed | not measured |"
        in page
    )
    assert "- openrtc: openrtc is not installed" in page
    assert "- gone, plain livekit-agents: longer than 5 s" in page
    assert "failed (below)" in page


def test_a_terminal_gets_a_line_for_each_goal(results: Results) -> None:
    lines = report.lines(judge(results))
    assert len(lines) == len(GOALS)
    first = "first word, p50 at most 0.80 x openrtc's 0.75 (0.75-0.75) holds"
    assert " ".join(lines[0].split()) == first


def test_a_verdict_that_chance_may_have_decided_is_marked(results: Results) -> None:
    for value in (200, 600, 620):
        results.add("first word", "host", value)
    assert "within the noise" in report.lines(judge(results))[0]


def test_the_parts_of_a_reply_have_a_column_for_each_target_and_setting(results: Results) -> None:
    head, _, *rows = report.replies(results)
    assert head.count("|") == 2 + 2 * len(TARGETS)
    assert rows[0] == "| STT's final transcript | 130 | 120 | 90 | 130 | 120 | 90 |"
    assert len(rows) == len(PARTS)


def test_results_of_one_target_alone_still_make_a_page(results: Results) -> None:
    results.values = [each for each in results.values if each.target == "host"]
    page = report.page(results, plots=False)
    assert "nothing measured of openrtc" in page
    assert report.page(Results("here", {}, "2026-11-30T12:00:00"), plots=False)


@pytest.mark.corpus
def test_every_plot_is_drawn_for_light_and_dark_screens(results: Results, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    written = plots.write(results, tmp_path)
    assert sorted(file.name for file in written) == sorted(
        f"{name}-{ground}.png" for name in report.PLOTS for ground in ("light", "dark")
    )
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in written)
    page = report.page(results, plots=True)
    assert all(f"speed/{file.name}" in page for file in written)


@pytest.mark.corpus
def test_plots_of_nothing_are_empty_and_no_error(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert plots.write(Results("here", {}, "2026-11-30T12:00:00"), tmp_path)
