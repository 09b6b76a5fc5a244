"""A choice in a menu, as the call's record has it."""

from __future__ import annotations

from enum import Enum
from typing import Any

from host.base.clock import now
from host.base.text import sanitize
from host.call.keypad.menu import Menu
from host.call.keypad.private import MASK
from host.records.record import MenuChoice

LONGEST = 200
"""Maximum length of a menu's name and of a choice, in characters."""


def choice_of(
    menu: Menu, key: str | None, chosen: Any, *, private: bool, unrecorded: bool
) -> MenuChoice:
    """Return what was chosen by a key; None: by none, so that it is the menu's default.

    `private` masks the key and the choice, and `unrecorded` also the prompt, as it was spoken.
    """
    prompt = 4 * MASK if unrecorded else menu.prompt
    name = sanitize(menu.name or prompt, LONGEST)
    if private or unrecorded:
        return MenuChoice(at=now(), menu=name, key=key and MASK, choice=4 * MASK)
    return MenuChoice(at=now(), menu=name, key=key, choice=_written(chosen))


def _written(chosen: Any) -> str | None:
    """Return a choice as text; None if it is an object, of which only its author knows more."""
    if isinstance(chosen, Menu):
        chosen = chosen.name or chosen.prompt
    elif isinstance(chosen, Enum):
        chosen = chosen.name
    return sanitize(str(chosen), LONGEST) if isinstance(chosen, str | int | float) else None
