"""The keys of a telephone: menus and numbers that need no model, and keys that we press."""

from host.keypad.digits import Digits
from host.keypad.keypad import Keypad
from host.keypad.menu import Menu
from host.keypad.missed import NoKeys
from host.keypad.presses import KEYS, read_presses
from host.keypad.private import MASK

__all__ = ["KEYS", "MASK", "Digits", "Keypad", "Menu", "NoKeys", "read_presses"]
