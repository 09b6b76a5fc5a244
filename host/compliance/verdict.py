"""The gate's verdict: allowed, or refused by a rule."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum


class Rule(StrEnum):
    """The rules, in the order in which they are checked."""

    SIP_URI = "sip_uri"
    EMERGENCY = "emergency"
    SHORT_CODE = "short_code"
    NOT_E164 = "not_e164"
    DENIED = "denied"
    SATELLITE = "satellite"
    INVALID = "invalid"
    CARIBBEAN = "caribbean"
    COUNTRY = "country"
    TYPE = "type"
    CALLER_ID = "caller_id"
    DO_NOT_CALL = "do_not_call"
    HOURS = "hours"
    ATTEMPTS = "attempts"
    BUDGET = "budget"
    KEYS = "keys"

    @property
    def passes(self) -> bool:
        """Whether the same call may be allowed at a later time."""
        return self in (Rule.HOURS, Rule.ATTEMPTS, Rule.BUDGET)


@dataclass(frozen=True)
class Verdict:
    """Whether something may be dialled. Only the gate creates an allowing one."""

    allowed: bool
    number: str | None = None
    """The number in E.164; None if it is not one."""
    rule: Rule | None = None
    """The rule that refuses it."""
    reason: str = ""
    """The reason, without the number."""
    address: str | None = None
    """The SIP address, if it is one that host.toml names."""
    retry_at: datetime | None = None
    """When hours, attempts and budget allow the number, in the callee's zone; None: unknown."""

    def __str__(self) -> str:
        again = f", allowed from {self.retry_at.isoformat()}" if self.retry_at else ""
        return f"{self.reason} (rule: {self.rule}){again}" if self.rule else self.reason

    def as_json(self) -> str:
        """Return the verdict on a number as JSON; `rule` is `allowed` if no rule refuses."""
        again = self.retry_at and self.retry_at.isoformat()
        facts = {**asdict(self), "rule": self.rule or "allowed", "retry_at": again}
        return json.dumps({name: fact for name, fact in facts.items() if name != "address"})


def refuse(
    rule: Rule, reason: str, number: str | None = None, *, retry_at: datetime | None = None
) -> Verdict:
    """Return a refusal by a rule."""
    return Verdict(False, number, rule, reason, retry_at=retry_at)
