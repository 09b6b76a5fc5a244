"""The figures, and what the host must reach in each: a ratio to another target, or a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from speed import summary
from speed.results import Results


@dataclass(frozen=True)
class Figure:
    """Something that is measured."""

    name: str
    title: str
    unit: str
    statistics: tuple[str, ...] = ("p50",)
    """What the table shows of it."""
    digits: int = 0
    """Decimal places."""


FIGURES = (
    Figure("first word", "caller joins -> greeting heard", "ms", ("p50", "p95")),
    Figure("agent joined", "caller joins -> agent joined", "ms"),
    Figure("reply", "end of the caller's last sample -> reply heard", "ms", ("p50", "p95")),
    Figure("cut off", "questions with a pause of 0.3 to 0.8 s: cut off", "%"),
    Figure("idle memory", "idle, PSS of all processes", "MB"),
    Figure("call memory", "memory per live call", "MB", digits=1),
    Figure("call CPU", "CPU per call-minute", "s", digits=1),
    Figure("burst", "calls at once: slowest first word", "ms", ("p50", "worst")),
    Figure("burst gap", "calls at once: worst gap in the greeting", "ms", ("p50", "worst")),
    Figure("gone", "caller gone -> agent and room gone", "s", ("p50", "worst"), digits=2),
    Figure("blocked gap", "a persona blocks 5 s: worst gap at the others", "ms", ("p50", "worst")),
)
BY_NAME = {figure.name: figure for figure in FIGURES}

PARTS = {
    "stt final": "STT's final transcript",
    "llm asked": "LLM asked",
    "first token": "LLM's first token",
    "turn": "end of turn decided",
    "tts asked": "TTS asked",
    "first byte": "TTS's first byte",
    "heard": "first sample heard",
}
"""The moments of a reply, each measured from the caller's last sample; `reply NAME` in results."""


class Verdict(StrEnum):
    """Whether a goal is reached."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNKNOWN = "not measured"


@dataclass(frozen=True)
class Goal:
    """What the host must reach: a ratio to `to`, or without it an absolute limit."""

    figure: str
    limit: float
    setting: str = ""
    statistic: str = "p50"
    to: str = ""
    to_setting: str | None = None
    """The setting of the other target, if it is not the same."""
    difference: bool = False
    """Whether `limit` is how much larger ours may be, and not a ratio."""

    @property
    def name(self) -> str:
        """Say what is compared, in a few words."""
        at = f" at {self.setting}" if self.setting else ""
        return f"{self.figure}{at}, {self.statistic}"


GOALS = (
    Goal("first word", 0.80, to="openrtc"),
    Goal("first word", 0.85, statistic="p95", to="openrtc"),
    Goal("agent joined", 1.0, to="openrtc"),
    Goal("reply", 0.85, "default", to="plain"),
    Goal("cut off", 0.0, "default", to="plain", difference=True),
    Goal("idle memory", 0.7, "1", to="plain", to_setting="1"),
    Goal("idle memory", 0.7, "10", to="plain", to_setting="1"),
    Goal("call memory", 0.75, "8", to="plain"),
    Goal("call CPU", 1.0, "8", to="openrtc"),
    Goal("burst", 1.0, "8", to="openrtc"),
    Goal("burst gap", 60.0, "8"),
    Goal("gone", 0.5),
    Goal("blocked gap", 60.0),
)
"""All of them are the issue's; medians over the runs, as it asks for."""


@dataclass(frozen=True)
class Judged:
    """A goal, and what came of it."""

    goal: Goal
    verdict: Verdict
    found: summary.Interval | None = None
    """The ratio, difference or value, with its interval; None if not measured."""
    reason: str = ""
    excused: bool = False
    """Whether it is unknown because the other target can't be measured here."""

    @property
    def sure(self) -> bool:
        """Whether chance alone would not have turned the verdict."""
        if self.found is None:
            return False
        limit = self.goal.limit
        return self.found.high <= limit or self.found.low > limit


def judge(results: Results, goals: Sequence[Goal] = GOALS) -> list[Judged]:
    """Judge every goal by what was measured."""
    return [_judge(results, goal) for goal in goals]


def regressed(judged: Sequence[Judged]) -> bool:
    """Return whether a goal is missed, or unknown without an excuse."""
    return any(each.verdict != Verdict.HOLDS and not each.excused for each in judged)


def _judge(results: Results, goal: Goal) -> Judged:
    ours = results.of(goal.figure, "host", goal.setting)
    if not ours:
        reason = results.why_missing(goal.figure, "host", goal.setting)
        return Judged(goal, Verdict.UNKNOWN, reason=reason or "nothing measured of the host")
    if not goal.to:
        return _verdict(goal, summary.interval(ours, goal.statistic))
    at = goal.setting if goal.to_setting is None else goal.to_setting
    theirs = results.of(goal.figure, goal.to, at)
    if not theirs:
        reason = results.why_missing(goal.figure, goal.to, at)
        return Judged(
            goal,
            Verdict.UNKNOWN,
            reason=reason or f"nothing measured of {goal.to}",
            excused=goal.to in results.unavailable,
        )
    if goal.difference:
        more = sum(ours) / len(ours) - sum(theirs) / len(theirs)
        return _verdict(goal, summary.Interval(more, more, more))
    try:
        return _verdict(goal, summary.ratio(ours, theirs, goal.statistic))
    except ValueError as error:
        return Judged(goal, Verdict.UNKNOWN, reason=str(error))


def _verdict(goal: Goal, found: summary.Interval) -> Judged:
    return Judged(goal, Verdict.HOLDS if found.value <= goal.limit else Verdict.FAILS, found)
