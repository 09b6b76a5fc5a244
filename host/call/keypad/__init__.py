"""DTMF: menus and digits collected without a model, and keys sent to the far end."""

from host.call.keypad.digits import Digits
from host.call.keypad.keypad import Keypad
from host.call.keypad.menu import Menu
from host.call.keypad.missed import NoKeys
from host.call.keypad.presses import KEYS, read_presses
from host.call.keypad.private import MASK

__all__ = ["KEYS", "MASK", "Digits", "Keypad", "Menu", "NoKeys", "read_presses"]
