"""Value types of a call: a key, an ending, an answer to a REFER."""

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
"""Status of an unanswered call, by its SIP status; otherwise `failed`."""


@dataclass(frozen=True)
class Said:
    """What a telephone began to say, and the seconds from the answer."""

    text: str
    at: float


@dataclass(frozen=True)
class Key:
    """A key press: the key, and the seconds from the answer."""

    digit: str
    at: float


@dataclass(frozen=True)
class TransferReply:
    """A telephone's answer to a REFER (RFC 3515)."""

    refused: int = 0
    """SIP status that rejects the REFER itself; 0 accepts it (202)."""
    notify: int | None = None
    """Final status in the NOTIFY; None: as the target answers; 0: no NOTIFY."""


@dataclass(frozen=True)
class Ending:
    """The side that ended a call, the SIP message, and how its leg leaves the room."""

    by: Who
    how: str
    hangup: bool = True
    """Whether livekit-sip sets `sip.callStatus=hangup` before it leaves."""


class HungUp(Exception):
    """The call has ended; raised in a script that still waits."""
