"""One try of one fault on one call, and the file that keeps them while the benchmark runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Verdict(StrEnum):
    """What a call came to, by what its far end could tell."""

    WENT_ON = "went on"
    TOLD = "told"
    HUNG_UP = "hung up"
    BUSY = "heard busy"
    LEFT = "left hanging"
    LOST = "lost, nobody told"
    TWICE = "twice"

    @property
    def bad(self) -> bool:
        """Whether a far end was left alone, or served twice."""
        return self in (Verdict.LEFT, Verdict.LOST, Verdict.TWICE)


@dataclass(frozen=True)
class Other:
    """Another live call, which the fault was none of: the longest gap in its unbroken sound."""

    control: float
    """Seconds, before the fault, in a window as long as the one after it."""
    gap: float
    """Seconds, after the fault."""
    ended: bool = False
    """Whether the call ended over it."""


@dataclass(frozen=True)
class Try:
    """One call that a fault struck. All times in seconds since then."""

    arm: str
    fault: str
    seed: str
    verdict: Verdict
    hang_up: float | None = None
    """When the far end was hung up; None where it was not."""
    word: float | None = None
    """When it heard the first sound."""
    silence: float | None = None
    """The longest silence that it heard, up to its end; None where the call was never answered."""
    room_left: bool = False
    """Whether LiveKit still had the call's room, 5 s after the last leg was out."""
    others: tuple[Other, ...] = ()
    """The other live calls; written down once for all calls that were struck together."""
    note: str = ""


@dataclass(frozen=True)
class Session:
    """A stretch of the benchmark: when, on what, and how long it took."""

    arm: str
    fault: str
    began: str
    took: float
    """Seconds."""
    machine: str
    versions: str
    void: int = 0
    """Rounds whose calls did not come about, and which were played again."""


def write(file: Path, entry: Try | Session) -> None:
    """Append a line."""
    with file.open("a") as lines:
        lines.write(json.dumps({"is": type(entry).__name__, **asdict(entry)}) + "\n")


def read(file: Path) -> tuple[list[Try], list[Session]]:
    """Read the lines that there are; the last one may be torn."""
    tries: list[Try] = []
    sessions: list[Session] = []
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if found.pop("is") == "Session":
            sessions.append(Session(**found))
        else:
            tries.append(_try(found))
    return tries, sessions


def missing(tries: Iterable[Try], arm: str, fault: str, wanted: int) -> int:
    """Count the tries that are still to be made."""
    return max(0, wanted - sum(one.arm == arm and one.fault == fault for one in tries))


def _try(found: dict[str, Any]) -> Try:
    others = tuple(Other(**other) for other in found.pop("others"))
    return Try(**{**found, "verdict": Verdict(found["verdict"])}, others=others)
