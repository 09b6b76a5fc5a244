"""What a check finds, and what became of the check itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What became of a check."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    SKIPPED = "skipped"
    BROKEN = "broken"
    """The check itself failed, or took too long: nothing is known."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    level: Status
    """FAILURE or WARNING."""
    what: str
    """What is wrong: a sentence without its full stop."""
    why: str
    """Why it matters: what a caller or an operator notices of it."""
    mend: str
    """The exact mend: what to write where, or which command to run."""


def failure(what: str, why: str, mend: str) -> Finding:
    """Return a finding with which calls do not work."""
    return Finding(Status.FAILURE, what, why, mend)


def warning(what: str, why: str, mend: str) -> Finding:
    """Return a finding with which calls may work."""
    return Finding(Status.WARNING, what, why, mend)


class Skip(Exception):
    """Raised by a check that makes no sense here; its text is a clause that says why."""


@dataclass(frozen=True)
class Result:
    """What became of one check."""

    id: str
    about: str
    status: Status
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    """Why the check was skipped, or how it broke."""
    seconds: float = 0.0
