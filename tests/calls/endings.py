"""A row of the table of endings: how a call is made, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass

from ways import Way

from host.records.outcome import Outcome
from host.records.record import Who

FAR_END: Who = "far end"
DONE = Outcome.COMPLETED
GREETED = "how are you this morning"
"""The end of the greeting of the persona `ends`."""
DESK = "what can I do for you"
"""The end of the greeting of the persona `desk`."""
APOLOGY = "I am sorry, something went wrong on our side. Please call again later."


@dataclass(frozen=True)
class Row:
    """One ending."""

    name: str
    way: Way
    outcome: Outcome
    by: Who
    sip_status: int | None = None
    again: bool = False
    """Whether a retry makes sense."""
    greeted: int | None = 0
    """How often the greeting is heard; None: once at most, and maybe not to its end."""
    answered: bool = False
    invites: int = 1
    """How often the far end is rung."""
    hears: str = ""
    """What the far end hears besides, once."""


def taken(
    name: str,
    way: Way,
    outcome: Outcome = DONE,
    by: Who = FAR_END,
    greeted: int | None = 1,
    *,
    again: bool = False,
    hears: str = "",
) -> Row:
    """A call that somebody, or something, answers.

    `by`: who ends it; `greeted`: how often the persona's greeting is heard, by a screener as well;
    `again`: whether a retry makes sense.
    """
    return Row(name, way, outcome, by, None, again, greeted, answered=True, hears=hears)


def untaken(
    name: str, way: Way, outcome: Outcome, by: Who, *, again: bool = False, invites: int = 1
) -> Row:
    """A call that nobody answers, and of which there is no SIP status to tell."""
    return Row(name, way, outcome, by, again=again, invites=invites)
