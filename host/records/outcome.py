"""Outcomes of calls: one closed vocabulary for hooks, records, logs and exit codes.

CONTRIBUTING.md describes what a new outcome needs.
"""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What figures and campaigns count outcomes as."""

    TALKED = "talked"
    VOICEMAIL = "voicemail"
    NOT_REACHED = "not reached"
    STOPPED = "stopped"
    """By somebody, or by a rule."""
    FAILED = "failed"
    """By the host, LiveKit or a trunk."""


class Outcome(StrEnum):
    """How a call ended."""

    COMPLETED = "completed"
    TRANSFERRED = "transferred"
    VOICEMAIL_LEFT = "voicemail_left"
    VOICEMAIL_SKIPPED = "voicemail_skipped"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"
    INVALID_NUMBER = "invalid_number"
    BLOCKED = "blocked"
    TRUNK_ERROR = "trunk_error"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    ABANDONED = "abandoned"
    FAILED = "failed"

    @property
    def description(self) -> str:
        """The outcome in plain words: the reason if no better one is known."""
        return _FACTS[self].description

    @property
    def exit_code(self) -> int:
        """The exit code of `python -m host call`: 0 for a call that achieved its purpose.

        1 and 2 are reserved for errors of the command and of its usage.
        """
        return _FACTS[self].exit_code

    @property
    def kind(self) -> Kind:
        """What it counts as."""
        return _FACTS[self].kind

    @property
    def reached(self) -> bool:
        """True if it says that somebody was talked to, or a message was left."""
        return self.kind is Kind.TALKED or self is Outcome.VOICEMAIL_LEFT

    @property
    def answered(self) -> bool:
        """True if it says that a person or a machine answered."""
        return self.kind in (Kind.TALKED, Kind.VOICEMAIL)

    @property
    def dialled(self) -> bool:
        """False if it says that no number was dialled."""
        return self not in (Outcome.BLOCKED, Outcome.REFUSED)

    @property
    def conversation(self) -> bool:
        """True if it says that somebody was talked to.

        An outbound call that talked to nobody gets `no_answer` instead, in host/call/reached.py.
        """
        return _FACTS[self].conversation

    def retryable(self, sip_status: int | None = None) -> bool:
        """Return whether a retry may succeed."""
        if self is Outcome.TRUNK_ERROR and sip_status is not None:
            return _passes(sip_status)
        return _FACTS[self].retryable


class _Facts(NamedTuple):
    exit_code: int
    kind: Kind
    description: str
    retryable: bool = False
    conversation: bool = False


_FACTS = {
    Outcome.COMPLETED: _Facts(0, Kind.TALKED, "the conversation ended", conversation=True),
    Outcome.TRANSFERRED: _Facts(0, Kind.TALKED, "the call was transferred"),
    Outcome.VOICEMAIL_LEFT: _Facts(0, Kind.VOICEMAIL, "the persona left a voicemail message"),
    Outcome.VOICEMAIL_SKIPPED: _Facts(
        10, Kind.VOICEMAIL, "voicemail answered and no message was left", retryable=True
    ),
    Outcome.NO_ANSWER: _Facts(11, Kind.NOT_REACHED, "the call was not answered", retryable=True),
    Outcome.BUSY: _Facts(12, Kind.NOT_REACHED, "the line was busy", retryable=True),
    Outcome.DECLINED: _Facts(13, Kind.NOT_REACHED, "the call was declined"),
    Outcome.INVALID_NUMBER: _Facts(14, Kind.NOT_REACHED, "the number does not exist"),
    Outcome.BLOCKED: _Facts(15, Kind.STOPPED, "the call is not allowed"),
    Outcome.TRUNK_ERROR: _Facts(16, Kind.FAILED, "the SIP trunk failed", retryable=True),
    Outcome.CANCELLED: _Facts(17, Kind.STOPPED, "the call was cancelled", retryable=True),
    Outcome.REFUSED: _Facts(18, Kind.FAILED, "the host refused the call"),
    Outcome.ABANDONED: _Facts(
        19, Kind.STOPPED, "the caller hung up before the persona spoke", retryable=True
    ),
    Outcome.FAILED: _Facts(20, Kind.FAILED, "an internal error ended the call", retryable=True),
}

# SIP statuses that are definite about the far end (RFC 3261 section 21).
_BY_SIP_STATUS = {
    402: Outcome.BLOCKED,
    403: Outcome.BLOCKED,
    404: Outcome.INVALID_NUMBER,
    408: Outcome.NO_ANSWER,
    410: Outcome.INVALID_NUMBER,
    433: Outcome.BLOCKED,  # RFC 5079: no calls without a caller ID
    470: Outcome.BLOCKED,  # RFC 5360: consent needed
    480: Outcome.NO_ANSWER,
    484: Outcome.INVALID_NUMBER,
    485: Outcome.INVALID_NUMBER,
    486: Outcome.BUSY,
    487: Outcome.CANCELLED,
    600: Outcome.BUSY,
    603: Outcome.DECLINED,
    604: Outcome.INVALID_NUMBER,
    607: Outcome.DECLINED,  # RFC 8197: unwanted
    608: Outcome.BLOCKED,  # RFC 8688: rejected by an intermediary
}


def outcome_of_sip_status(status: int) -> Outcome:
    """Map a final SIP status of 300 or more; those not about the far end are trunk errors."""
    return _BY_SIP_STATUS.get(status, Outcome.TRUNK_ERROR)


def _passes(status: int) -> bool:
    """Return whether a trunk's status may be temporary.

    A request that was rejected as malformed or forbidden will be rejected again. An unknown status
    counts like the x00 of its class (RFC 3261 section 8.1.3.2).
    """
    return status == 491 or (500 <= status < 600 and status not in (501, 505, 513))
