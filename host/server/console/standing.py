"""How the rows of campaigns stand, without reading again what has not changed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from host.dispatch.campaigns import Campaign, Directory, Row, Step
from host.records.outcome import Kind, Outcome

STATES = {
    "": "all",
    "waiting": "waiting",
    "placing": "being called",
    "done": "done",
    "failed": "failed",
    "left": "left, since the gate does not allow them",
}
"""Which rows the page of a campaign may show."""


class Standing(NamedTuple):
    """How a row stands."""

    line: int
    step: Step
    outcome: Outcome | None
    calls: int
    dialled: int
    """Calls that are over and dialled its number."""
    answered: int
    """Those that a person or a machine answered."""

    @classmethod
    def of(cls, row: Row) -> Standing:
        """Sum a row up."""
        over = [each.outcome for each in row.attempts if each.outcome]
        dialled = [outcome for outcome in over if outcome.dialled]
        answered = sum(outcome.answered for outcome in dialled)
        outcome = row.outcome if row.step is Step.DONE else None
        return cls(row.line, row.step, outcome, len(row.attempts), len(dialled), answered)

    def is_in(self, state: str) -> bool:
        """Return whether it is one of a state of STATES."""
        if state == "failed":
            return self.outcome is not None and self.outcome.kind is Kind.FAILED
        if state == "left":
            return self.outcome is Outcome.BLOCKED
        return state in ("", self.step.value)


@dataclass(frozen=True)
class Totals:
    """How a campaign stands."""

    states: dict[str, int]
    """Rows of each state of STATES."""
    outcomes: list[tuple[str, int]]
    """Rows that are done, by outcome."""
    calls: int
    answer_rate: float | None
    """Share of the dialled calls that were answered; None without any."""

    @classmethod
    def of(cls, standings: Iterable[Standing]) -> Totals:
        """Count rows."""
        rows = list(standings)
        dialled = sum(row.dialled for row in rows)
        outcomes = Counter(row.outcome.value for row in rows if row.outcome)
        return cls(
            states={state: sum(row.is_in(state) for row in rows) for state in STATES},
            outcomes=outcomes.most_common(),
            calls=sum(row.calls for row in rows),
            answer_rate=sum(row.answered for row in rows) / dialled if dialled else None,
        )


class Standings:
    """The rows of all campaigns. Its methods read the queue, and may be called in any thread."""

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._rows: dict[str, dict[int, tuple[bytes, Standing]]] = {}
        self._over: dict[tuple[str, int, str], Totals] = {}

    def of(self, directory: Directory, campaign: Campaign) -> list[Standing]:
        """Return how each row of a campaign stands, by line."""
        queue = directory.queue(campaign.id)
        with self._reading:
            known, now = self._rows.get(campaign.id, {}), {}
            for line, stored in queue.stored(queue.lines()):
                had = known.get(line)
                if had is None or had[0] != stored:
                    had = stored, Standing.of(Row.model_validate_json(stored))
                now[line] = had
            self._rows[campaign.id] = now
        return [standing for _, standing in now.values()]

    def totals(self, directory: Directory, campaign: Campaign) -> Totals:
        """Return how a campaign stands; of one that is over, as it was when it was first asked."""
        key = campaign.id, campaign.edition, campaign.status
        if key not in self._over:
            totals = Totals.of(self.of(directory, campaign))
            if campaign.status not in ("done", "stopped") or totals.states["placing"]:
                return totals
            self._over[key] = totals
            self._rows.pop(campaign.id, None)
        return self._over[key]

    def keep_only(self, campaigns: Iterable[Campaign]) -> None:
        """Forget the campaigns that are no more."""
        ids = {campaign.id for campaign in campaigns}
        self._rows = {id: rows for id, rows in self._rows.items() if id in ids}
        self._over = {key: totals for key, totals in self._over.items() if key[0] in ids}
