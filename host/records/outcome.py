"""Outcomes of calls: one closed vocabulary for hooks, records, logs and exit codes.

A new outcome is one row here. It also needs a row in README's table of exit codes, the schema anew
(`python -m host calls schema > docs/call-record.schema.json`), and a call that ends with it in
tests/calls/endings_dialled.py or endings_rung.py. Exit codes are never reused.
"""

from enum import StrEnum


class Outcome(StrEnum):
    """How a call ended."""

    description: str
    """The outcome in plain words: the reason if no better one is known."""
    exit_code: int
    """The exit code of `python -m host call`: 0 for a call that achieved its purpose.

    1 and 2 are reserved for errors of the command and of its usage.
    """
    _retryable: bool

    def __new__(cls, value: str, exit_code: int, retryable: bool, description: str) -> "Outcome":
        member = str.__new__(cls, value)
        member._value_ = value
        member.exit_code, member._retryable = exit_code, retryable
        member.description = description
        return member

    # value, exit code, whether a retry may succeed, description
    COMPLETED = "completed", 0, False, "the conversation ended"
    TRANSFERRED = "transferred", 0, False, "the call was transferred"
    VOICEMAIL_LEFT = "voicemail_left", 0, False, "the persona left a voicemail message"
    VOICEMAIL_SKIPPED = "voicemail_skipped", 10, True, "voicemail answered and no message was left"
    NO_ANSWER = "no_answer", 11, True, "the call was not answered"
    BUSY = "busy", 12, True, "the line was busy"
    DECLINED = "declined", 13, False, "the call was declined"
    INVALID_NUMBER = "invalid_number", 14, False, "the number does not exist"
    BLOCKED = "blocked", 15, False, "the call is not allowed"
    TRUNK_ERROR = "trunk_error", 16, True, "the SIP trunk failed"
    CANCELLED = "cancelled", 17, True, "the call was cancelled before it was answered"
    REFUSED = "refused", 18, False, "the host refused the call"
    ABANDONED = "abandoned", 19, True, "the caller hung up before the persona spoke"
    FAILED = "failed", 20, True, "an internal error ended the call"

    def retryable(self, sip_status: int | None = None) -> bool:
        """Return whether a retry may succeed."""
        if self is Outcome.TRUNK_ERROR and sip_status is not None:
            return _passes(sip_status)
        return self._retryable


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
