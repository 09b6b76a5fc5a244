"""Simulated callers: who calls, what for, and what has to come of it.

[[callers]]
name = "books an appointment"
goal = "Get an appointment on Monday."
mood = "in a hurry"
lines = ["I need an appointment.", "Goodbye."]
expects.says = ["booked for monday"]
expects.calls = { book_appointment = { day = "Monday" } }
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from host.base.errors import SettingsError
from host.base.text import close_to
from host.base.validation import faults_in, sentence
from host.records.outcome import Outcome
from host.registry.found import shown

SUFFIX = ".callers.toml"
MOODS = ("calm and friendly", "impatient, in a hurry", "unsure, asks back often")
"""Moods of the callers of one goal."""
JUDGES = (
    *("accuracy", "coherence", "conciseness", "handoff"),
    *("relevancy", "safety", "task_completion", "tool_use"),
)
"""Names of LiveKit's judges, `livekit.agents.evals`."""


class Expected(BaseModel):
    """What has to come of a call, whatever a judge thinks of it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    says: list[str] = Field(default_factory=list)
    """Regular expressions, in any case; each matches in something that the persona says."""
    never_says: list[str] = Field(default_factory=list)
    calls: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Tools that the LLM calls, each with the arguments that matter."""
    transfers: list[str] = Field(default_factory=list)
    """Targets to which the call is transferred."""
    outcome: str | None = None

    @field_validator("says", "never_says")
    @classmethod
    def _are_patterns(cls, patterns: list[str]) -> list[str]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        return patterns

    @field_validator("outcome")
    @classmethod
    def _is_an_outcome(cls, outcome: str | None) -> str | None:
        if outcome is not None and outcome not in [*Outcome]:
            raise ValueError(f"there is no outcome {outcome}{close_to(outcome, Outcome)}")
        return outcome

    @property
    def anything(self) -> bool:
        """True if there is something to check."""
        return any(self.model_dump().values())


class Caller(BaseModel):
    """One `[[callers]]`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = ""
    goal: str = ""
    mood: str = ""
    lines: list[str] = Field(default_factory=list)
    """What they say, one line a turn; `#5` presses a key. Without lines, the LLM plays them."""
    details: dict[str, Any] = Field(default_factory=dict)
    """The call's metadata."""
    expects: Expected = Field(default_factory=Expected)
    judges: list[str] = Field(default_factory=list)
    """LiveKit's judges that judge the call, beside the one that judges the goal."""

    @field_validator("judges")
    @classmethod
    def _are_judges(cls, judges: list[str]) -> list[str]:
        for judge in judges:
            if judge not in JUDGES:
                raise ValueError(f"there is no judge {judge}{close_to(judge, JUDGES)}")
        return judges

    @model_validator(mode="after")
    def _can_fail(self) -> Caller:
        if not self.goal and not self.lines:
            raise ValueError("a caller needs a goal or lines")
        if not (self.goal or self.judges or self.expects.anything):
            raise ValueError("a caller with lines needs a goal, judges or expects to fail by")
        return self

    @property
    def label(self) -> str:
        """The name, or the goal in its place."""
        return self.name or self.goal or self.lines[0]

    @property
    def judged(self) -> bool:
        """True if a model has to judge the call."""
        return bool(self.goal or self.judges)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    callers: list[Caller] = Field(min_length=1)


def read_callers(file: Path) -> list[Caller]:
    """Read a file of callers. Raises SettingsError, one line that names the caller."""
    try:
        return _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))).callers
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{shown(file)}: {error}") from error
    except ValidationError as error:
        faults = (f"{shown(file)}: {_fault(fault)}" for fault in faults_in(error))
        raise SettingsError("; ".join(faults)) from error
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise SettingsError(f"{shown(file)}: {why}") from error


def of_goal(goal: str, moods: Iterable[str]) -> list[Caller]:
    """Return callers with one goal, one for each mood."""
    return [Caller(goal=goal, mood=mood) for mood in moods]


def require_playable(callers: Iterable[Caller]) -> None:
    """Raise SettingsError if a caller needs a model: with `--local` there is none."""
    for caller in callers:
        if not caller.lines:
            needs = "lines: only a model could play it"
        elif caller.judges:
            needs = "no judges: only a model could judge"
        elif not caller.expects.anything:
            needs = "expects: only a model could judge its goal"
        else:
            continue
        raise SettingsError(f"--local: the caller {caller.label!r} needs {needs}")


def _fault(fault: Any) -> str:
    """Say where a fault is, counting callers from 1, and what it is."""
    path = [*fault["loc"]]
    place = f"callers[{path[1] + 1}]: " if len(path) > 1 and isinstance(path[1], int) else ""
    name = ".".join(str(part) for part in (path[2:] if place else path))
    if fault["type"] == "extra_forbidden":
        model = Expected if path[2:3] == ["expects"] else Caller if place else _File
        last = str(path[-1])
        return f"{place}{name} is no field of a caller{close_to(last, model.model_fields)}"
    return f"{place}{sentence(name, fault)}"
