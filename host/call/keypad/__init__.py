"""The keys of a telephone: menus and numbers that need no model, and keys that we press."""

from host.call.keypad.digits import Digits
from host.call.keypad.keypad import Keypad
from host.call.keypad.menu import Menu
from host.call.keypad.missed import NoKeys
from host.call.keypad.presses import KEYS, read_presses
from host.call.keypad.private import MASK

__all__ = ["KEYS", "MASK", "Digits", "Keypad", "Menu", "NoKeys", "read_presses"]
