"""How much is measured: all of it, or in under five minutes what every goal needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from speed.words import ENDPOINTING

T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """Numbers of calls, turns, rounds and seconds."""

    name: str
    first_words: int
    """Calls of each target whose first word is measured."""
    turns: int
    """Questions without a pause, at each endpointing setting."""
    pauses: int
    """Questions with one of `words.PAUSES`, at each endpointing setting."""
    endpointing: Sequence[str]
    personas: Mapping[str, Sequence[int]] = field(repr=False)
    """Numbers of personas at which each target's memory is measured, besides 1."""
    rounds: int
    """How often each target is measured alone: idle, under load, with a persona that blocks."""
    calls: Sequence[int]
    """Numbers of calls at once."""
    talk: float
    """Seconds of conversation in which memory and processor time are measured."""
    blocked: int
    """Tries of a persona that blocks, in each round."""
    gone: int
    """Calls of each target that are hung up to see what is left."""
    gone_limit: float
    """Seconds after which it is no longer waited for."""


FULL = Plan(
    "full",
    first_words=22,
    turns=12,
    pauses=6,
    endpointing=tuple(ENDPOINTING),
    # A worker for each persona: 100 of them would take 45 GB.
    personas={"plain": (10,), "openrtc": (10, 100, 500), "host": (10, 100, 500)},
    rounds=2,
    calls=(1, 4, 8, 16),
    talk=30.0,
    blocked=2,
    gone=5,
    gone_limit=30.0,
)
SHORT = Plan(
    "short",
    first_words=5,
    turns=3,
    pauses=2,
    endpointing=("default",),
    personas={"host": (10,)},
    rounds=1,
    calls=(8,),
    talk=8.0,
    blocked=1,
    gone=1,
    gone_limit=3.0,
)


def rotated(items: Sequence[T], by: int) -> list[T]:
    """Return them in an order that begins elsewhere each time, so that none is always first."""
    start = by % len(items) if items else 0
    return [*items[start:], *items[:start]]
