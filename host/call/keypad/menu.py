"""A menu: what each key stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from host.call.keypad.presses import KEYS

NOTHING: Any = object()
"""Stands for a default that nobody gave."""


@dataclass(frozen=True)
class Menu:
    """Choices by key, for `call.choose`. A choice may be anything; another Menu is opened in turn.

    In a menu that was opened so, `*` goes back, unless it is a choice itself.
    """

    prompt: str
    choices: Mapping[str, Any]
    default: Any = NOTHING
    """The choice of a caller who makes none in all the tries; without it, NoKeys is raised."""
    tries: int = 3
    timeout: float = 8.0
    """Seconds after the prompt in which a key may come."""

    def __post_init__(self) -> None:
        wrong = [key for key in self.choices if len(key) != 1 or key not in KEYS]
        if wrong or not self.choices:
            raise ValueError(f"a menu's choices are keys, each one of {KEYS}, not {wrong}")
        if self.tries < 1:
            raise ValueError("a menu needs at least one try")
