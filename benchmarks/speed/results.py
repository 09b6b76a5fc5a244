"""What was measured: values of a figure, by target and setting, and the file that keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

TARGETS = {"plain": "plain livekit-agents", "openrtc": "openrtc", "host": "the host"}
"""What is compared, in the order of the tables."""


@dataclass(frozen=True)
class Value:
    """One measured value. Its unit is the figure's, see `speed.goals`."""

    figure: str
    target: str
    setting: str
    """What the figure was measured at, such as the number of calls; empty if there is one only."""
    value: float
    round: int = 0


@dataclass(frozen=True)
class Missing:
    """What could not be measured, and why."""

    figure: str
    target: str
    setting: str
    reason: str


@dataclass
class Results:
    """Everything of one run of the benchmark."""

    machine: str
    versions: dict[str, str]
    began: str
    """Local time, ISO 8601."""
    short: bool = False
    took: float = 0.0
    """Seconds."""
    values: list[Value] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)
    """Targets that can't be measured here at all, each with the reason."""

    def add(
        self, figure: str, target: str, value: float, setting: object = "", at: int = 0
    ) -> None:
        """Add a value."""
        self.values.append(Value(figure, target, str(setting), round(value, 4), at))

    def miss(self, figure: str, target: str, reason: str, setting: object = "") -> None:
        """Add what could not be measured; the same is told once."""
        missing = Missing(figure, target, str(setting), reason)
        if missing not in self.missing:
            self.missing.append(missing)

    def of(self, figure: str, target: str, setting: object = "") -> list[float]:
        """Return the values of a figure in the order in which they were measured."""
        wanted = (figure, target, str(setting))
        return [each.value for each in self.values if _key(each) == wanted]

    def settings(self, figure: str) -> list[str]:
        """Return the settings at which a figure was measured; numbers come in their order."""
        measured = [each.setting for each in self.values if each.figure == figure]
        found = {*measured, *(each.setting for each in self.missing if each.figure == figure)}
        return sorted(found, key=lambda each: (int(each) if each.isdigit() else -1, each))

    def why_missing(self, figure: str, target: str, setting: object = "") -> str:
        """Return why a figure was not measured; empty if nothing is known."""
        wanted = (figure, target, str(setting))
        reasons = [each.reason for each in self.missing if _key(each) == wanted]
        return self.unavailable.get(target) or (reasons[-1] if reasons else "")


def write(file: Path, results: Results) -> None:
    """Write a file of results; whoever reads it meanwhile finds the old one or the new one."""
    half = file.with_suffix(".part")
    half.write_text(json.dumps(asdict(results), indent=1) + "\n")
    half.rename(file)


def read(file: Path) -> Results:
    """Read a file of results. Raises ValueError if it is none."""
    try:
        found = json.loads(file.read_text())
        found["values"] = [Value(**each) for each in found["values"]]
        found["missing"] = [Missing(**each) for each in found["missing"]]
        return Results(**found)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{file} holds no results of this version: {error}") from error


def joined(runs: Iterable[Results]) -> Results:
    """Join several runs into one, whose values are those of all. Raises ValueError without any."""
    runs = list(runs)
    if not runs:
        raise ValueError("there are no runs to join")
    first = runs[0]
    if len({json.dumps([run.machine, run.versions], sort_keys=True) for run in runs}) > 1:
        raise ValueError("these runs are of different machines or versions")
    whole = Results(first.machine, first.versions, first.began, first.short)
    for run in runs:
        whole.took += run.took
        whole.values += run.values
        whole.missing += [each for each in run.missing if each not in whole.missing]
        whole.unavailable |= run.unavailable
    return whole


def _key(each: Value | Missing) -> tuple[str, str, str]:
    return each.figure, each.target, each.setting
