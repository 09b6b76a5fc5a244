"""Columns of plots: where each part of them is drawn in an SVG, for the template."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 180
"""The plot's own units; the page scales it."""
_LEFT, _RIGHT, _BOTTOM, _TOP = 52, 20, 26, 14
_GAP = 0.2
"""Share of a column's width that is free."""


@dataclass(frozen=True)
class Part:
    """One coloured part of a column."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True)
class Label:
    """A text at an axis, or a line of the grid."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Columns:
    """A plot."""

    parts: list[Part]
    below: list[Label]
    grid: list[Label]
    table: list[tuple[str, float]]
    """Each column's name and total: the same for those who don't see the plot."""
    write: Callable[[float], str] = str
    """Writes a total."""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT


def columns(
    names: Sequence[str],
    counts: Sequence[Mapping[str, float]],
    kinds: Sequence[str],
    *,
    every: int = 1,
    write: Callable[[float], str] = str,
) -> Columns:
    """Stack the counts or amounts of each kind; every n-th column has its name below."""
    totals = [sum(count.values()) for count in counts]
    top = _nice(max(totals, default=0))
    wide = (WIDTH - _LEFT - _RIGHT) / max(1, len(names))
    high = HEIGHT - _BOTTOM - _TOP
    parts, below = [], []
    for at, (name, count) in enumerate(zip(names, counts, strict=True)):
        x, y = _LEFT + at * wide, float(HEIGHT - _BOTTOM)
        for kind in kinds:
            if number := count.get(kind, 0):
                height = high * number / top
                y -= height
                says = f"{name}: {write(number)} {kind}"
                left, width = round(x + wide * _GAP / 2, 1), round(wide * (1 - _GAP), 1)
                parts.append(Part(kind, left, round(y, 1), width, round(height, 1), says))
        if at % every == 0:
            below.append(Label(round(x + wide / 2, 1), HEIGHT - 6, name))
    middle = top // 2 if isinstance(top, int) else top / 2
    grid = [
        Label(_LEFT, round(HEIGHT - _BOTTOM - high * value / top, 1), f"{value:.4g}")
        for value in sorted({0, middle, top})
    ]
    return Columns(parts, below, grid, list(zip(names, totals, strict=True)), write)


def histogram(values: Sequence[float], bounds: Sequence[float], unit: str) -> Columns:
    """Count values between bounds; the last column has all above."""
    counts = Counter(bisect_right(bounds, value) for value in values)
    names = [f"< {bounds[0]:g} {unit}"]
    names += [f"{low:g}–{high:g}" for low, high in zip(bounds, bounds[1:], strict=False)]
    names.append(f"≥ {bounds[-1]:g} {unit}")
    return columns(names, [{"calls": counts[at]} for at in range(len(names))], ["calls"])


def _nice(most: float) -> float:
    """Return the top of an axis: 1, 2, 4, 6, 8, 10, 20, ... or a little more than the most.

    That of counts is a whole number; that of amounts may be a fraction.
    """
    power: float = 1
    if isinstance(most, float) and most > 0:
        power = 10.0 ** math.floor(math.log10(most))
    while True:
        for step in (1, 2, 4, 6, 8):
            if step * power >= most:
                return step * power
        power *= 10
