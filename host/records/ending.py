"""The ending of a call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from host.records.outcome import Outcome
from host.records.record import Who


@dataclass(frozen=True)
class Ending:
    """Why a call ended. Only the first one counts."""

    outcome: Outcome
    by: Who
    reason: str
    """A phrase in lower case without a full stop, to follow the outcome."""
    sip_status: int | None = None
    error: str | None = None
    retryable: bool | None = None
    """Whether a retry makes sense; None: derived from the outcome and the SIP status."""
    retry_at: datetime | None = None
    """When the gate will allow the call that it has blocked; None: unknown."""

    @property
    def worth_a_retry(self) -> bool:
        """Whether a retry may succeed."""
        if self.retryable is None:
            return self.outcome.retryable(self.sip_status)
        return self.retryable


class CallEnded(Exception):
    """Raised where a call can't continue; carries its ending."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending
