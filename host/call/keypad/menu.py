"""A DTMF menu: a value for each key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from host.call.keypad.presses import KEYS

NOTHING: Any = object()
"""Sentinel: the menu has no default."""


@dataclass(frozen=True)
class Menu:
    """Choices by key, for `call.choose`: any value, or another Menu, which is opened.

    In a submenu, `*` goes back unless it is a choice itself.
    """

    prompt: str
    choices: Mapping[str, Any]
    default: Any = NOTHING
    """Returned after the last try without a choice; if absent, NoKeys is raised."""
    tries: int = 3
    timeout: float = 8.0
    """Seconds to wait for a key after the prompt."""
    name: str = ""
    """Name of the menu in the call's record; empty: its prompt."""
    private: bool = False
    """Whether records and logs mask the key and the choice."""

    def __post_init__(self) -> None:
        wrong = [key for key in self.choices if len(key) != 1 or key not in KEYS]
        if wrong or not self.choices:
            raise ValueError(f"a menu's choices are keys, each one of {KEYS}, not {wrong}")
        if self.tries < 1:
            raise ValueError("a menu needs at least one try")
