"""What a persona may answer when a machine picks up."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LeaveMessage:
    """Speak these exact words after the greeting and its beep, then hang up."""

    text: str


@dataclass(frozen=True)
class HangUp:
    """Hang up without a word."""


@dataclass(frozen=True)
class Continue:
    """Treat a machine like a person. No detection runs, so the greeting comes at once."""


VoicemailPolicy = LeaveMessage | HangUp | Continue
