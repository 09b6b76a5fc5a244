"""For authors of personas and plugins: unit tests of hooks, and whole calls by telephone.

`a_call`, `tell` and `tool` test hooks and tools in milliseconds. The fixture `scene`
(`pytest_plugins = ["host.testing.fixtures"]`) brings up LiveKit, a telephone exchange, speech and a
host; a telephone plays your script, and the test asserts what it heard. See docs/authors.md.
"""

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
from host.testing.scene import Scene, heard, heard_once, not_heard, open_scene
from host.testing.unit import a_call, tell, tool

__all__ = [
    "RULES",
    "Busy",
    "Declines",
    "Invalid",
    "Line",
    "NoAnswer",
    "PhoneCall",
    "Rule",
    "Scene",
    "Subscriber",
    "Telephone",
    "Unavailable",
    "a_call",
    "heard",
    "heard_once",
    "not_heard",
    "open_scene",
    "tell",
    "tool",
    "voicemail",
]
