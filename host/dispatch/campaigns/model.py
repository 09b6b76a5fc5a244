"""A campaign, its rows, and the attempts to reach each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from host.base.e164 import PATTERN
from host.records.outcome import Outcome

MOST_ROWS = 20_000
"""Maximum number of rows of one campaign."""

Status = Literal["running", "paused", "stopped", "done"]


class Step(StrEnum):
    """How far a row is."""

    WAITING = "waiting"
    """It is in the queue, or waits for its next attempt."""
    PLACING = "placing"
    """A host places its call, or the call goes on."""
    DONE = "done"
    """No call of it is placed any more."""


class Attempt(BaseModel):
    """One call of a row."""

    number: int
    """1 for the first."""
    host: str
    """The host that places it, by its campaign ID: no other may."""
    begun_at: datetime
    call: str | None = None
    """The call's ID in the API."""
    room: str | None = None
    """The call's room, by which its record is found."""
    outcome: Outcome | None = None
    """None until it is over."""
    reason: str | None = None
    sip_status: int | None = None
    ended_at: datetime | None = None
    results: dict[str, Any] = {}


class Row(BaseModel):
    """One line of a campaign's file."""

    line: int
    """Its line in the file, by which it is known."""
    number: str
    details: dict[str, Any] = {}
    reference: str | None = None
    step: Step = Step.WAITING
    due_at: datetime | None = None
    """When it is tried next; None: as soon as its turn comes."""
    attempts: list[Attempt] = []
    note: str = ""
    """Why it waits, or why it was left."""

    @property
    def outcome(self) -> Outcome | None:
        """The outcome of the last attempt; `blocked` if the gate left it, None if there is none."""
        ended = [each.outcome for each in self.attempts if each.outcome]
        if ended:
            return ended[-1]
        return Outcome.BLOCKED if self.step is Step.DONE and self.note else None


class Campaign(BaseModel):
    """A campaign: what it calls for, how, and whether it goes on."""

    model_config = ConfigDict(extra="ignore")

    id: str
    name: str = Field(description="name of the file, or as given")
    persona: str
    caller_id: str | None = Field(None, pattern=f"^{PATTERN}$")
    made_at: datetime
    not_before: datetime | None = None
    calls_at_once: int = 1
    per_minute: float = 10
    tries: int = 3
    """Calls of one row at most."""
    spacing: float = 3600
    """Seconds between them at least."""
    status: Status = "running"
    reason: str = ""
    """Why it is paused or stopped."""
    edition: int = 0
    """How often its status was changed."""


class Counts(BaseModel):
    """How the rows of a campaign stand."""

    rows: int = 0
    waiting: int = 0
    placing: int = 0
    done: int = 0
    outcomes: dict[str, int] = {}
    calls: int = 0
    """Calls placed."""

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Counts:
        """Count rows."""
        counts = cls()
        for row in rows:
            counts.rows += 1
            setattr(counts, row.step.value, getattr(counts, row.step.value) + 1)
            counts.calls += len(row.attempts)
            if row.step is Step.DONE and (outcome := row.outcome or "stopped"):
                counts.outcomes[str(outcome)] = counts.outcomes.get(str(outcome), 0) + 1
        return counts
