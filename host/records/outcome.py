"""Outcomes of calls: one closed vocabulary for hooks, records, logs and exit codes."""

from enum import StrEnum


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
        return _DESCRIPTIONS[self]

    @property
    def exit_code(self) -> int:
        """The exit code of `python -m host call`: 0 for a call that achieved its purpose.

        1 and 2 are reserved for errors of the command and of its usage.
        """
        return _EXIT_CODES[self]

    def retryable(self, sip_status: int | None = None) -> bool:
        """Return whether a retry may succeed."""
        if self is Outcome.TRUNK_ERROR and sip_status is not None:
            return _passes(sip_status)
        return self in _RETRYABLE


_DESCRIPTIONS = {
    Outcome.COMPLETED: "the conversation ended",
    Outcome.TRANSFERRED: "the call was transferred",
    Outcome.VOICEMAIL_LEFT: "the persona left a voicemail message",
    Outcome.VOICEMAIL_SKIPPED: "voicemail answered and no message was left",
    Outcome.NO_ANSWER: "the call was not answered",
    Outcome.BUSY: "the line was busy",
    Outcome.DECLINED: "the call was declined",
    Outcome.INVALID_NUMBER: "the number does not exist",
    Outcome.BLOCKED: "the call is not allowed",
    Outcome.TRUNK_ERROR: "the SIP trunk failed",
    Outcome.CANCELLED: "the call was cancelled before it was answered",
    Outcome.REFUSED: "the host refused the call",
    Outcome.ABANDONED: "the caller hung up before the persona spoke",
    Outcome.FAILED: "an internal error ended the call",
}

_EXIT_CODES = {
    Outcome.COMPLETED: 0,
    Outcome.TRANSFERRED: 0,
    Outcome.VOICEMAIL_LEFT: 0,
    Outcome.VOICEMAIL_SKIPPED: 10,
    Outcome.NO_ANSWER: 11,
    Outcome.BUSY: 12,
    Outcome.DECLINED: 13,
    Outcome.INVALID_NUMBER: 14,
    Outcome.BLOCKED: 15,
    Outcome.TRUNK_ERROR: 16,
    Outcome.CANCELLED: 17,
    Outcome.REFUSED: 18,
    Outcome.ABANDONED: 19,
    Outcome.FAILED: 20,
}

_RETRYABLE = {
    Outcome.VOICEMAIL_SKIPPED,
    Outcome.NO_ANSWER,
    Outcome.BUSY,
    Outcome.TRUNK_ERROR,
    Outcome.CANCELLED,
    Outcome.ABANDONED,
    Outcome.FAILED,
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
