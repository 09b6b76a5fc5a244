"""Types that the greeting, voicemail and screening hooks may return."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Greeting:
    """The opening of a call."""

    text: str = ""
    """Exact words; empty: the model writes the opening itself."""
    interruptible: bool = True
    """Whether speech of the caller interrupts the greeting. That speech is kept either way."""
    notice: str = ""
    """Words spoken first and never interrupted, such as a recording notice."""


@dataclass(frozen=True)
class LeaveMessage:
    """Speak this exact text once after the machine's greeting, then hang up."""

    text: str
    wait_for: Literal["beep", "silence"] = "beep"
    """`beep`: speak after the beep, or after a long silence. `silence`: at the first pause."""
    max_wait: float = 30.0
    """Seconds after which the message is spoken even if the machine still talks."""


@dataclass(frozen=True)
class HangUp:
    """Hang up without speaking."""


@dataclass(frozen=True)
class Continue:
    """Treat a machine like a person: detection is off and the greeting starts at once."""


@dataclass(frozen=True)
class Identify:
    """Tell a call screener who is calling, answer its questions, and wait to be put through."""

    text: str | None = None
    """Who is calling and why, also for further questions; None: the greeting, then the model."""
    max_wait: float = 45.0
    """Seconds after our last answer in which somebody must come on the line; then the call ends."""


VoicemailPolicy = LeaveMessage | HangUp | Continue
ScreeningPolicy = Identify | HangUp | Continue
