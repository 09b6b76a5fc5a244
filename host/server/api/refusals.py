"""Why a request of the API places no call."""

from __future__ import annotations

from host.compliance import Rule
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

    def __init__(self, rule: Rule | None, reason: str) -> None:
        super().__init__(reason)
        self.rule, self.reason = rule, _KEPT_BACK.get(rule, reason)


class TooMany(Exception):
    """The maximum number of calls is live."""
