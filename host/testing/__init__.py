"""For authors of personas and plugins: tests of hooks, in text, and by telephone.

`a_call`, `tell` and `tool` test hooks and tools alone. The fixtures of the pytest plugin, which is
installed with the host, test a whole persona: `conversation` in text, in milliseconds, and `scene`
by telephone, with LiveKit, a telephone exchange, speech and a host. See docs/persona-tests.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from host.local.exchange import PhoneCall, Subscriber
    from host.local.phone import (
        Busy,
        Declines,
        Invalid,
        Line,
        NoAnswer,
        Telephone,
        Unavailable,
        voicemail,
    )
    from host.local.rules import Rule
    from host.local.scripts import RULES
    from host.runner.text import Conversation, ToolCall, Turn
    from host.testing.fixtures import Converse
    from host.testing.scene import Scene, heard, heard_once, not_heard, open_scene
    from host.testing.text import OWN, open_conversation
    from host.testing.unit import a_call, tell, tool

__all__ = [
    "OWN",
    "RULES",
    "Busy",
    "Conversation",
    "Converse",
    "Declines",
    "Invalid",
    "Line",
    "NoAnswer",
    "PhoneCall",
    "Rule",
    "Scene",
    "Subscriber",
    "Telephone",
    "ToolCall",
    "Turn",
    "Unavailable",
    "a_call",
    "heard",
    "heard_once",
    "not_heard",
    "open_conversation",
    "open_scene",
    "tell",
    "tool",
    "voicemail",
]

_PLACES = {
    "host.local.exchange": ("PhoneCall", "Subscriber"),
    "host.local.phone": (
        *("Busy", "Declines", "Invalid", "Line", "NoAnswer"),
        *("Telephone", "Unavailable", "voicemail"),
    ),
    "host.local.rules": ("Rule",),
    "host.local.scripts": ("RULES",),
    "host.runner.text": ("Conversation", "ToolCall", "Turn"),
    "host.testing.text": ("OWN", "open_conversation"),
    "host.testing.fixtures": ("Converse",),
    "host.testing.scene": ("Scene", "heard", "heard_once", "not_heard", "open_scene"),
    "host.testing.unit": ("a_call", "tell", "tool"),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a name on first use: pytest imports this package wherever the host is installed."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value
