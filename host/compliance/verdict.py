"""What the gate says of a number: allowed, or by which rule not."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum


class Rule(StrEnum):
    """The rules, in the order in which they are asked."""

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
    DO_NOT_CALL = "do_not_call"
    HOURS = "hours"
    ATTEMPTS = "attempts"
    BUDGET = "budget"
    KEYS = "keys"

    @property
    def passes(self) -> bool:
        """Whether the same call may be allowed later, with nothing changed but the time."""
        return self in (Rule.HOURS, Rule.ATTEMPTS, Rule.BUDGET)


@dataclass(frozen=True)
class Verdict:
    """Whether something may be dialled. Only the gate makes one that allows it."""

    allowed: bool
    number: str | None = None
    """The number in E.164, where it is one."""
    rule: Rule | None = None
    """The rule that refuses it."""
    reason: str = ""
    """Why, in words that do not repeat the number."""

    def __str__(self) -> str:
        return f"{self.reason} (rule: {self.rule})" if self.rule else self.reason

    def as_json(self) -> str:
        """The verdict for a program to read: `rule` is always a word."""
        return json.dumps({**asdict(self), "rule": self.rule or "allowed"})


def refuse(rule: Rule, reason: str, number: str | None = None) -> Verdict:
    """Refuse by a rule."""
    return Verdict(False, number, rule, reason)
