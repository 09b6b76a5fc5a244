"""Rules of the local model beside a persona: `personas/NAME.rules.toml`.

    [[rules]]
    hears = "appointment"
    calls = "book_appointment"
    arguments = { day = "Monday" }

    [[rules]]
    after = "book_appointment"
    says = "You are booked for Monday."

They apply to this persona only. The fields are those of Rule; the arguments of a tool stand apart.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from host.base.errors import SettingsError
from host.base.text import close_to
from host.base.validation import faults_in, sentence
from host.local.rules import Rule
from host.registry.found import shown

SUFFIX = ".rules.toml"
_TABLE = re.compile(r"\s*\[\[\s*rules\s*\]\]")


class _Entry(BaseModel):
    """One `[[rules]]`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    hears: str | None = None
    says: str = ""
    calls: str | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)
    about: str | None = None
    after: str | None = None

    @field_validator("hears", "about")
    @classmethod
    def _is_a_pattern(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
        return pattern

    @model_validator(mode="after")
    def _answers(self) -> _Entry:
        if not self.says and not self.calls:
            raise ValueError("a rule needs says or calls")
        if self.arguments and not self.calls:
            raise ValueError("arguments need calls, the name of the tool")
        return self

    def rule(self, persona: str) -> Rule:
        calls = (self.calls, self.arguments) if self.calls else None
        return Rule(self.hears, self.says, calls, self.about, self.after, persona=persona)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    rules: list[_Entry] = Field(default_factory=list)


def read_rules(folder: Path, personas: Iterable[str]) -> tuple[Rule, ...]:
    """Return the rules beside the personas of a folder; there may be none.

    Raises SettingsError, one line with file and line, for an invalid file, and for one of no
    persona, of which `personas` are those that are loaded.
    """
    known = set(personas)
    rules: list[Rule] = []
    for file in sorted(folder.glob(f"[!_.]*{SUFFIX}")):
        persona = file.name.removesuffix(SUFFIX)
        if persona not in known and not _is_there(folder, persona):
            meant = close_to(persona, known)
            raise SettingsError(f"{shown(file)}: there is no persona {persona}{meant}")
        rules += (entry.rule(persona) for entry in _read(file))
    return tuple(rules)


def before_bundled(
    given: Iterable[Rule], beside: Iterable[Rule], bundled: Iterable[Rule]
) -> tuple[Rule, ...]:
    """Return all rules in order: those of a test, those beside the personas, and the bundled ones.

    `given` may end with the bundled rules.
    """
    last = tuple(bundled)
    listed = tuple(given)
    own = (rule for rule in listed if rule not in last)
    return (*own, *beside, *(rule for rule in listed if rule in last))


def _is_there(folder: Path, persona: str) -> bool:
    """Return whether a persona is in the folder, though it may be too broken to be loaded."""
    return (folder / f"{persona}.py").exists() or (folder / persona / "__init__.py").exists()


def _read(file: Path) -> list[_Entry]:
    try:
        text = file.read_text(encoding="utf-8")
        return _File.model_validate(tomllib.loads(text)).rules
    except tomllib.TOMLDecodeError as error:
        why, _, line = str(error).rpartition(" (at line ")
        place = f":{line.partition(',')[0]}" if why else ""
        raise SettingsError(f"{shown(file)}{place}: {why or error}") from error
    except ValidationError as error:
        faults = "; ".join(_faults(file, text, error))
        raise SettingsError(faults) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{shown(file)}: {error}") from error


def _faults(file: Path, text: str, error: ValidationError) -> Iterator[str]:
    for fault in faults_in(error):
        path = [part for part in fault["loc"] if part != "rules"]
        number = path.pop(0) if path and isinstance(path[0], int) else None
        name = str(path[0]) if path else "rules" if number is None else ""
        place = f"{shown(file)}:{_line_of(text, number, name)}"
        if fault["type"] == "extra_forbidden":
            fields = _File.model_fields if number is None else _Entry.model_fields
            yield f"{place}: {name} is no field of a rule{close_to(name, fields)}"
        else:
            yield f"{place}: {sentence(name, fault)}"


def _line_of(text: str, number: object, name: str) -> int:
    """Return the line of a field in the n-th `[[rules]]`, counted from 0, or of that table."""
    rule, found = -1, 1
    for line, written in enumerate(text.splitlines(), 1):
        if _TABLE.match(written):
            rule += 1
            found = line if rule == number else found
        here = rule == number if isinstance(number, int) else rule < 0
        if here and name and re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*[.=]", written):
            return line
    return found
