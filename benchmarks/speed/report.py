"""The table of the benchmark, and the lines that tell whether each goal is reached."""

from __future__ import annotations

from collections.abc import Sequence

from speed import summary
from speed.goals import BY_NAME, FIGURES, PARTS, Figure, Judged, Verdict, judge
from speed.results import TARGETS, Results
from speed.words import ENDPOINTING, FIRST_BYTE, FIRST_TOKEN, PAUSES, STT_FINAL

OF = {"p50": "p50", "p95": "p95", "worst": "worst"}
PLOTS = {
    "first-word": "Milliseconds from dialling to the first word, of every call",
    "reply": "The median reply, taken apart",
    "growth": "Memory by personas, memory and CPU by calls",
}
"""The plots that the page shows, each as NAME-light.png and NAME-dark.png."""


def page(results: Results, *, plots: bool) -> str:
    """Write benchmarks/speed.md."""
    judged = judge(results)
    parts = [
        "# Speed and cost",
        head(results),
        "\n".join(table(results)),
        "## Goals",
        "\n".join(goals(judged)),
        "## Replies, taken apart",
        "\n".join(replies(results)),
        "\n\n".join(pictures()) if plots else "",
        "\n".join(notes(results)),
        EXPLAINED,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


FINAL, TOKEN, BYTE = (f"{1000 * each:.0f} ms" for each in (STT_FINAL, FIRST_TOKEN, FIRST_BYTE))
EXPLAINED = f"""\
How to read it. All targets run on one machine against one livekit-server, with stand-ins for STT,
LLM and TTS of the same timing: the final transcript comes {FINAL} after the end of speech, the
first token after {TOKEN}, the first byte of speech after {BYTE}. The caller is a participant of
kind SIP, and becomes active once it has the agent's track, as LiveKit SIP's callers do. *Heard* is
the first 5 ms of sound that arrive at the caller. *Plain* is a livekit-agents worker for each
persona, *openrtc* has all personas in one process without isolation, and *the host* a process for
each call. Calls of the three are interleaved; memory and load are measured with one target up at a
time. In brackets: the interval in which the median lies with 95 % (bootstrap), and the number of
values. *Cut off*: of questions with a pause of {min(PAUSES)} to {max(PAUSES)} s in their middle,
those that the agent spoke into. *Idle* includes four other personas of the benchmark, which plain
does not have. For bursts, p50 is the median of each round's slowest caller, and *worst* the slowest
of all rounds.
"""


def head(results: Results) -> str:
    """Say where, when and on what it was measured."""
    versions = ", ".join(f"{name} {number}" for name, number in results.versions.items())
    how = "`make bench SHORT=1`: few values" if results.short else "`make bench`"
    return (
        f"{results.machine}; {versions}. Measured on {results.began[:10]} "
        f"in {results.took / 60:.0f} minutes, by {how}."
    )


def table(results: Results) -> list[str]:
    """Write a row for each figure, setting and statistic."""
    lines = [
        "| figure | at | | " + " | ".join(TARGETS.values()) + " | unit |",
        "|---|---|---|" + "---:|" * len(TARGETS) + "---|",
    ]
    for figure in FIGURES:
        for setting in results.settings(figure.name):
            for statistic in figure.statistics:
                cells = [cell(results, figure, name, setting, statistic) for name in TARGETS]
                lines.append(
                    f"| {figure.title} | {at(figure, setting)} | {OF[statistic]} | "
                    + " | ".join(cells)
                    + f" | {figure.unit} |"
                )
    return lines


def at(figure: Figure, setting: str) -> str:
    """Say what a setting means."""
    if setting in ENDPOINTING:
        delay = ENDPOINTING[setting]
        return "its own endpointing" if delay is None else f"endpointing {delay} s"
    if setting.isdigit():
        what = "persona" if figure.name == "idle memory" else "call"
        return f"{setting} {what}{'' if setting == '1' else 's'}"
    return setting


def cell(results: Results, figure: Figure, target: str, setting: str, statistic: str) -> str:
    """Write one value with its spread, or why there is none."""
    values = results.of(figure.name, target, setting)
    if not values:
        return "-" if not results.why_missing(figure.name, target, setting) else "failed (below)"
    if figure.unit == "%":
        return f"{sum(values) / len(values):.0f} (n={len(values)})"
    found, digits = summary.interval(values, statistic), figure.digits
    if statistic != "p50" or len(values) < 3:
        return f"{found.value:.{digits}f}"
    spread = f"{found.low:.{digits}f}-{found.high:.{digits}f}, n={len(values)}"
    return f"{found.value:.{digits}f} ({spread})"


def goals(judged: Sequence[Judged]) -> list[str]:
    """Write a table of what must be reached and what was."""
    lines = ["| goal | must reach | measured | |", "|---|---|---|---|"]
    for each in judged:
        lines.append(f"| {each.goal.name} | {wanted(each)} | {found(each)} | {verdict(each)} |")
    return lines


def wanted(each: Judged) -> str:
    """Say what a goal demands."""
    goal, unit = each.goal, BY_NAME[each.goal.figure].unit
    if not goal.to:
        return f"at most {goal.limit:g} {unit}"
    if goal.difference:
        return f"no more than {goal.to}'s"
    return f"at most {goal.limit:.2f} x {goal.to}'s"


def found(each: Judged) -> str:
    """Say what was measured for a goal: a ratio, a difference or a value."""
    if each.found is None:
        return each.reason
    value, digits = each.found, BY_NAME[each.goal.figure].digits
    if not each.goal.to:
        digits = max(digits, 0)
        return f"{value.value:.{digits}f} ({value.low:.{digits}f}-{value.high:.{digits}f})"
    if each.goal.difference:
        return f"{value.value:+.0f} points"
    return f"{value.value:.2f} ({value.low:.2f}-{value.high:.2f})"


def verdict(each: Judged) -> str:
    """Say whether it holds, and where chance may have decided that."""
    unsure = each.verdict != Verdict.UNKNOWN and not each.goal.difference and not each.sure
    return f"{each.verdict}{', within the noise' if unsure else ''}"


def lines(judged: Sequence[Judged]) -> list[str]:
    """Write a line for a terminal for each goal."""
    return [
        f"{each.goal.name:28}  {wanted(each):24}  {found(each):24}  {verdict(each)}"
        for each in judged
    ]


def replies(results: Results) -> list[str]:
    """Write when each part of a reply comes, in ms after the caller's last sample."""
    settings = results.settings("reply")
    if not settings:
        return []
    head = [f"{TARGETS[name]}, {setting}" for setting in settings for name in TARGETS]
    rows = ["| ms after the last sample, p50 | " + " | ".join(head) + " |"]
    rows.append("|---|" + "---:|" * len(head))
    for part, title in PARTS.items():
        cells = []
        for setting in settings:
            for name in TARGETS:
                values = results.of(f"reply {part}", name, setting)
                cells.append(f"{summary.of(values, 'p50'):.0f}" if values else "not seen")
        rows.append(f"| {title} | " + " | ".join(cells) + " |")
    return rows


def pictures() -> list[str]:
    """Write the plots, each in the colours that the reader's screen has."""
    return [
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="speed/{name}-dark.png">'
        f'<img src="speed/{name}-light.png" alt="{alt}"></picture>'
        for name, alt in PLOTS.items()
    ]


def notes(results: Results) -> list[str]:
    """Write what could not be measured, and why."""
    found = [f"- {TARGETS[name]}: {reason}" for name, reason in results.unavailable.items()]
    for each in results.missing:
        where = f" at {each.setting}" if each.setting else ""
        found.append(f"- {each.figure}{where}, {TARGETS[each.target]}: {each.reason}")
    return ["Not measured, at least once:", "", *found] if found else []
