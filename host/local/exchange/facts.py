"""Small facts about a call: a key, an ending, an answer to a REFER."""

from dataclasses import dataclass
from typing import Literal

Who = Literal["phone", "far end", "exchange"]

UNANSWERED = {
    0: "no answer",
    403: "refused",
    404: "not found",
    408: "no answer",
    480: "unavailable",
    486: "busy",
    487: "cancelled",
    600: "busy",
    603: "declined",
}
"""The status of a call that ended before it was answered, by its SIP status; else `failed`."""


@dataclass(frozen=True)
class Key:
    """A key that was pressed: which, and when, in seconds from the answer."""

    digit: str
    at: float


@dataclass(frozen=True)
class TransferReply:
    """How a telephone answers a REFER (RFC 3515)."""

    refused: int = 0
    """The SIP status with which the REFER itself is refused; 0 accepts it (202)."""
    notify: int | None = None
    """The final status in the NOTIFY; None leaves it to the target, 0 sends no NOTIFY ever."""


@dataclass(frozen=True)
class Ending:
    """Who ended a call, by what, and how its leg is to leave the room."""

    by: Who
    how: str
    hangup: bool = True
    """Whether livekit-sip writes `sip.callStatus=hangup` before it leaves."""


class HungUp(Exception):
    """The call is over; a script that meets this is done."""
