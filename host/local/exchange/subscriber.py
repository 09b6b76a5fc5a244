"""A number's response to an INVITE and to a REFER."""

from __future__ import annotations

from dataclasses import dataclass, field

from host.local.exchange.errors import TwirpError
from host.local.exchange.facts import TransferReply
from host.local.exchange.line import PersonScript

REASONS = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Internal Server Error",
    503: "Service Unavailable",
    600: "Busy Everywhere",
    603: "Decline",
}
"""Reason phrases of RFC 3261 section 21."""


@dataclass(frozen=True)
class Subscriber:
    """A number that can be dialled or referred to."""

    status: int
    """Final response: 200 answers, 0 never arrives."""
    after: float
    """Seconds from the INVITE to the final response."""
    rings: bool = True
    """Whether a 180 Ringing precedes it."""
    reason: str = ""
    """Reason phrase; empty: RFC 3261's."""
    script: PersonScript | None = None
    early: PersonScript | None = None
    """What the network plays before the final response: 183 with media instead of 180."""
    first_packet: float = 0.0
    """Seconds from the answer to its first packet; infinite: it sends none."""
    on_transfer: TransferReply = field(default_factory=TransferReply)
    error: TwirpError | None = None
    """LiveKit SIP's error instead of a final response: its own failure, or the network's."""
    dialled: bool = True
    """Whether the INVITE is sent before the error."""
    then: Subscriber | None = None
    """The subscriber from the next dial on; None: the same."""

    @property
    def phrase(self) -> str:
        """Reason phrase of the final response."""
        return self.reason or REASONS.get(self.status, f"Status {self.status}")


NOBODY = Subscriber(404, 0.02, rings=False)
"""A number that is not connected."""
