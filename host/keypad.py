"""The keys that the far end presses, for menus and numbers that need no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from host.call import Call


@dataclass(frozen=True)
class Menu:
    """Choices by key."""

    prompt: str
    choices: Mapping[str, Any]


class Keypad:
    """The keys of one call's far end, in the order in which they were pressed."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.private = False
        """True while digits are collected that no record may hold."""

    def pressed(self, digit: str) -> None:
        """Take a key, in capitals."""

    async def collect(self, prompt: str | None = None) -> str:
        """Ask for digits."""
        raise NotImplementedError

    async def choose(self, menu: Menu) -> Any:
        """Offer a menu."""
        raise NotImplementedError
