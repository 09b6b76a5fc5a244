"""The page of figures: calls by hour or day and outcome, and how they went."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from starlette.requests import Request
from starlette.responses import Response

from host.base.clock import now
from host.records.outcome import Kind, Outcome
from host.server.console import search
from host.server.console.context import Console, console_of
from host.server.console.costs import costs_of
from host.server.console.pages import render
from host.server.console.periods import PERIODS, begin_of, steps_of
from host.server.console.plots import Columns, columns, histogram

_KIND_OF = {outcome.value: outcome.kind for outcome in Outcome}
_FIRST_WORD = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
_DURATION = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0)


@dataclass(frozen=True)
class Counted:
    """A call, as far as it counts."""

    at: float
    outcome: str
    outbound: bool
    answered: bool
    duration: float
    first_word: float | None
    persona: str = ""
    """The one that took it first."""
    cost: float | None = None
    currency: str | None = None
    unpriced: bool = False
    """Whether it has used something that has no price."""


@dataclass(frozen=True)
class Figures:
    """What the page shows of a period."""

    total: int
    outcomes: list[tuple[str, int]]
    kinds: dict[Kind, int]
    answer_rate: float | None
    """Share of placed calls that were answered, by people or machines; None without any."""
    failure_rate: float | None
    first_word: float | None
    duration: float | None
    """Medians, in seconds."""
    by_time: Columns
    first_words: Columns
    durations: Columns


def show(request: Request) -> Response:
    """Show the figures of a period."""
    console, period = console_of(request), request.query_params.get("period", "24h")
    period = period if period in PERIODS else "24h"
    persona = request.query_params.get("persona", "")[:100]
    at = now()
    calls = counted(console, period, persona, at)
    prices = console.settings.prices
    costs = costs_of(calls, period, at, prices.currency) if prices.given else None
    return render(
        request,
        "figures.html",
        figures=figures_of(calls, period, at),
        costs=costs,
        period=period,
        periods=PERIODS,
        persona=persona,
        personas=search.personas_of(console),
    )


def counted(console: Console, period: str, persona: str, at: datetime) -> list[Counted]:
    """Return the calls of a period that ends at a time. Raises OSError."""
    query = """
        SELECT at, outcome, direction = 'outbound', answered, duration, first_word,
        persona, cost, currency, unpriced FROM calls
        WHERE at >= :since
        AND (:persona = '' OR row IN (SELECT row FROM personas WHERE name = :persona))"""
    facts = {"since": begin_of(period, at).timestamp(), "persona": persona}
    return [
        Counted(at, outcome, bool(outbound), bool(answered), *more)
        for at, outcome, outbound, answered, *more in console.index.rows(query, facts)
    ]


def figures_of(calls: list[Counted], period: str, at: datetime) -> Figures:
    """Count calls."""
    outcomes = Counter(call.outcome for call in calls)
    kinds = Counter(_KIND_OF.get(call.outcome, Kind.FAILED) for call in calls)
    placed = [call for call in calls if call.outbound and call.outcome != Outcome.BLOCKED]
    firsts = [call.first_word for call in calls if call.first_word is not None]
    durations = [call.duration for call in calls if call.answered]
    return Figures(
        total=len(calls),
        outcomes=outcomes.most_common(),
        kinds={kind: kinds[kind] for kind in Kind},
        answer_rate=sum(call.answered for call in placed) / len(placed) if placed else None,
        failure_rate=kinds[Kind.FAILED] / len(calls) if calls else None,
        first_word=median(firsts) if firsts else None,
        duration=median(durations) if durations else None,
        by_time=_by_time(calls, period, at),
        first_words=histogram(firsts, _FIRST_WORD, "s"),
        durations=histogram(durations, _DURATION, "s"),
    )


def _by_time(calls: list[Counted], period: str, at: datetime) -> Columns:
    steps = steps_of(period, at)
    counts = [Counter[str]() for _ in steps.labels]
    for call in calls:
        if (place := steps.place(call.at)) is not None:
            counts[place][_KIND_OF.get(call.outcome, Kind.FAILED)] += 1
    return columns(steps.labels, counts, list(Kind), every=steps.every)
