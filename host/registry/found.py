"""Results of discovery: personas, plugins and faults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True)
class Persona:
    """A valid persona."""

    name: str
    file: str
    summary: str
    """First line of the module's docstring."""
    numbers: tuple[str, ...]
    """Its numbers in host.toml."""
    module: ModuleType
    hands_over_to: tuple[str, ...] = ()
    """Personas to which it may hand a call over."""


@dataclass(frozen=True)
class Plugin:
    """A valid plugin."""

    name: str
    file: str
    module: ModuleType
    bundled: bool = False
    replaces: bool = False
    """Whether it replaces the bundled plugin of the same name."""
    settings: type[BaseModel] | None = None
    """The model of its settings; None if it has none."""


@dataclass(frozen=True)
class Broken:
    """One fault, on one line. A module with faults is not loaded."""

    file: str
    line: int | None
    """None if the fault has no line."""
    error: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.error}"


def shown(path: Path | str) -> str:
    """Return a path for display: relative if below the working directory."""
    try:
        return str(Path(path).absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def one_line(text: str, longest: int = 200) -> str:
    """Return text as one line of at most `longest` characters."""
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def describe(error: BaseException) -> str:
    """Return an exception as one line, even if its `__str__` raises."""
    kind = type(error).__name__
    try:
        return one_line(f"{kind}: {error}").removesuffix(":")
    except Exception:
        return kind
