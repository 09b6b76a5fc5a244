"""What the registry found: good personas, good plugins, and what is wrong with the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True)
class Persona:
    """A persona that may take calls."""

    name: str
    file: str
    summary: str
    """First line of its docstring."""
    numbers: tuple[str, ...]
    """Numbers that host.toml gives it."""
    module: ModuleType


@dataclass(frozen=True)
class Plugin:
    """A plugin that speaks on every call."""

    name: str
    file: str
    module: ModuleType
    bundled: bool = False
    replaces: bool = False
    """Whether it takes the place of the bundled one of its name."""
    settings: type[BaseModel] | None = None
    """The model of its settings."""


@dataclass(frozen=True)
class Broken:
    """One fault, in one line. Whatever has one is set aside."""

    file: str
    line: int | None
    """None where a fault belongs to no line."""
    error: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.error}"


def shown(path: Path | str) -> str:
    """Return a path as people read it: relative where it is below the working directory."""
    try:
        return str(Path(path).absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def one_line(text: str, longest: int = 200) -> str:
    """Return any text as one line, cut where an author would fill the terminal with it."""
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def told(error: BaseException) -> str:
    """Return an exception as one line, whatever its own text does."""
    kind = type(error).__name__
    try:
        return one_line(f"{kind}: {error}").removesuffix(":")
    except Exception:
        return kind
