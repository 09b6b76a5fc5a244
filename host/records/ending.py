"""Why a call is over."""

from __future__ import annotations

from dataclasses import dataclass

from host.records.outcome import Outcome
from host.records.record import Who


@dataclass(frozen=True)
class Ending:
    """Why a call is over. The first one counts."""

    outcome: Outcome
    by: Who
    reason: str
    """In plain words, in lower case and without a full stop: it stands behind the outcome."""
    sip_status: int | None = None
    error: str | None = None
    retryable: bool | None = None
    """Whether a retry makes sense; None: as the outcome and the SIP status say."""

    @property
    def worth_a_retry(self) -> bool:
        """Whether the same call may go better later."""
        if self.retryable is None:
            return self.outcome.retryable(self.sip_status)
        return self.retryable


class CallEnded(Exception):
    """What stops a call from going on, where it is found out: nobody picked up, no persona."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending
