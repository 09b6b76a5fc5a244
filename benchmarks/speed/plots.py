"""The plots of the page, light and dark, by matplotlib: an extra that nothing else needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from speed import summary
from speed.goals import PARTS
from speed.report import PLOTS
from speed.results import TARGETS, Results

COLOURS = {"plain": "#8a8f98", "openrtc": "#d9822b", "host": "#2f80ed"}
GROUNDS = {"light": ("#ffffff", "#1f2328"), "dark": ("#0d1117", "#e6edf3")}
"""Colours of the ground and of the writing on it."""
SIZE = 8.0, 3.6
"""Inches."""

Draw = Callable[[Any, Results], None]
"""Draws into a figure of matplotlib."""


def write(results: Results, folder: Path) -> list[Path]:
    """Write every plot twice. Raises ImportError without matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for ground, (paper, ink) in GROUNDS.items():
        style: dict[Any, Any] = {
            name: ink for name in ("text.color", "axes.labelcolor", "axes.edgecolor")
        }
        style |= {"xtick.color": ink, "ytick.color": ink}
        style |= {
            name: paper for name in ("figure.facecolor", "axes.facecolor", "savefig.facecolor")
        }
        own = style | {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
        with matplotlib.rc_context(own):
            for name in PLOTS:
                figure = pyplot.figure(figsize=SIZE, layout="constrained")
                DRAWN[name](figure, results)
                written.append(folder / f"{name}-{ground}.png")
                # Without the version of matplotlib, the same values always make the same file.
                figure.savefig(written[-1], dpi=144, metadata={"Software": None})
                pyplot.close(figure)
    return written


def first_word(figure: Any, results: Results) -> None:
    """Draw every call's first word as a step of what share of calls had it by then."""
    axes = figure.subplots()
    for name, title in TARGETS.items():
        if values := sorted(results.of("first word", name)):
            share = [100 * (at + 1) / len(values) for at in range(len(values))]
            axes.step(values, share, where="post", color=COLOURS[name], label=title)
    axes.set(xlabel="ms from dialling to the first word", ylabel="% of calls", ylim=(0, 101))
    _legend(axes)


def reply(figure: Any, results: Results) -> None:
    """Draw the medians of a reply's moments as marks on a line for each target and setting."""
    axes, rows = figure.subplots(), []
    for setting in results.settings("reply"):
        for name in TARGETS:
            found = {
                part: summary.of(values, "p50")
                for part in PARTS
                if (values := results.of(f"reply {part}", name, setting))
            }
            if found:
                rows.append((f"{TARGETS[name]}, {setting}", name, found))
    for at, (_, name, found) in enumerate(reversed(rows)):
        axes.plot([0, found["heard"]], [at, at], color=COLOURS[name], linewidth=1)
        for mark, part in zip("o^v|sDP", PARTS, strict=True):
            if part in found:
                label = PARTS[part] if at == 0 else None
                axes.plot(found[part], at, mark, color=COLOURS[name], markersize=5, label=label)
    axes.set(xlabel="ms after the caller's last sample", yticks=range(len(rows)), xlim=(0, None))
    axes.set_yticklabels([title for title, _, _ in reversed(rows)])
    _legend(axes, loc="center left", bbox_to_anchor=(1, 0.5))


def growth(figure: Any, results: Results) -> None:
    """Draw what grows with personas and with calls."""
    wanted = (
        ("idle memory", "personas", "MB, idle"),
        ("call memory", "calls at once", "MB per call"),
        ("call CPU", "calls at once", "CPU s per call-minute"),
    )
    for axes, (what, across, up) in zip(figure.subplots(1, len(wanted)), wanted, strict=True):
        for name, title in TARGETS.items():
            points = [
                (int(setting), summary.of(values, "p50"))
                for setting in results.settings(what)
                if (values := results.of(what, name, setting))
            ]
            if points:
                axes.plot(*zip(*points, strict=True), "o-", color=COLOURS[name], label=title)
        axes.set(xlabel=across, ylabel=up, ylim=(0, None))
        if what == "idle memory":
            axes.set_xscale("symlog", linthresh=1)
    _legend(axes)


DRAWN: dict[str, Draw] = {"first-word": first_word, "reply": reply, "growth": growth}


def _legend(axes: Any, **options: Any) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, **options)
