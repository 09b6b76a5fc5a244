"""What the calls of a period cost, in the currency of `[prices]`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from host.server.console.periods import steps_of
from host.server.console.plots import Columns, columns

MOST_PERSONAS = 12
"""Personas with a column of their own; the others share one."""


class Priced(Protocol):
    """A call, as far as its cost counts."""

    @property
    def at(self) -> float: ...
    @property
    def persona(self) -> str: ...
    @property
    def cost(self) -> float | None: ...
    @property
    def currency(self) -> str | None: ...
    @property
    def unpriced(self) -> bool: ...


@dataclass(frozen=True)
class Costs:
    """What the page shows of a period's cost."""

    currency: str
    total: float
    mean: float | None
    """Of the calls that have a cost; None without any."""
    incomplete: int
    """Calls of which the total lacks something: it had no price, or one in another currency."""
    by_time: Columns
    by_persona: Columns


def costs_of(calls: Sequence[Priced], period: str, at: datetime, currency: str) -> Costs:
    """Sum the costs of calls up."""
    steps = steps_of(period, at)
    by_time, by_persona = [0.0] * len(steps.labels), dict[str, float]()
    costs, incomplete = list[float](), 0
    for call in calls:
        if call.cost is None:
            continue
        foreign = call.currency != currency
        incomplete += foreign or call.unpriced
        if foreign:
            continue
        costs.append(call.cost)
        if (place := steps.place(call.at)) is not None:
            by_time[place] += call.cost
        by_persona[call.persona] = by_persona.get(call.persona, 0.0) + call.cost
    return Costs(
        currency=currency,
        total=sum(costs),
        mean=sum(costs) / len(costs) if costs else None,
        incomplete=incomplete,
        by_time=_columns(steps.labels, by_time, currency, every=steps.every),
        by_persona=_columns(*_dearest(by_persona), currency),
    )


def _dearest(by_persona: dict[str, float]) -> tuple[list[str], list[float]]:
    """Return names and amounts, the largest first."""
    ordered = sorted(by_persona.items(), key=lambda each: (-each[1], each[0]))
    shown, rest = ordered[:MOST_PERSONAS], ordered[MOST_PERSONAS:]
    if rest:
        shown.append(("others", sum(amount for _, amount in rest)))
    return [name or "nobody" for name, _ in shown], [amount for _, amount in shown]


def _columns(names: list[str], amounts: list[float], currency: str, *, every: int = 1) -> Columns:
    counts = [{currency: amount} for amount in amounts]
    return columns(names, counts, [currency], every=every, write="{:.2f}".format)
