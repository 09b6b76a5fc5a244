"""Why a request of the API places no call."""

from __future__ import annotations

from host.compliance import Rule, Verdict
from host.server.api.schemas import Fault

_KEPT_BACK: dict[Rule | None, str] = {
    Rule.DO_NOT_CALL: "the do-not-call list does not allow the number",
    Rule.ATTEMPTS: "the number has reached its daily limit of attempts",
    Rule.BUDGET: "the persona has reached its daily limit of calls or minutes",
}
"""Reasons shown to clients instead of ones that may contain a path of the host."""


class Unusable(Exception):
    """The request is invalid."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = list(faults)


class Blocked(Exception):
    """The gate refuses the number."""

    def __init__(self, verdict: Verdict, reason: str = "") -> None:
        """`reason`: what to say in place of the verdict's."""
        super().__init__(reason or verdict.reason)
        self.rule, self.retry_at = verdict.rule, verdict.retry_at
        self.reason = _KEPT_BACK.get(verdict.rule, reason or verdict.reason)

    @property
    def passes(self) -> bool:
        """Whether the gate may allow the same call later."""
        return self.rule is not None and self.rule.passes


class TooMany(Exception):
    """The maximum number of calls is live."""
