"""What a persona may answer where a plain value does not say enough."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Greeting:
    """The first words of a call."""

    text: str = ""
    """The exact words; empty where the model opens the call itself."""
    interruptible: bool = True
    """Whether the far end may break in. Either way, what it says is not lost."""
    notice: str = ""
    """Words before them that are always heard to their end, as that the call is recorded."""


@dataclass(frozen=True)
class LeaveMessage:
    """Speak these exact words after the greeting, once and from their start; then hang up."""

    text: str
    wait_for: Literal["beep", "silence"] = "beep"
    """`beep`: its end, or a long silence where none comes. `silence`: the first pause."""
    max_wait: float = 30.0
    """Seconds after which the message is spoken even if the machine talks on."""


@dataclass(frozen=True)
class HangUp:
    """Hang up without a word."""


@dataclass(frozen=True)
class Continue:
    """Treat a machine like a person. No detection runs, so the greeting comes at once."""


@dataclass(frozen=True)
class Identify:
    """Tell a call screener who is calling, then wait for whoever it lets us through to."""

    text: str | None = None
    """Who is calling and why; None: the greeting."""
    max_wait: float = 45.0
    """Seconds for the screener to let us through; then the call ends."""


VoicemailPolicy = LeaveMessage | HangUp | Continue
ScreeningPolicy = Identify | HangUp | Continue
