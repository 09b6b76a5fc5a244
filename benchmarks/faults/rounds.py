"""One round: live calls, a fault that strikes some of them, and what becomes of them all."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from math import ceil, inf

from faults.callers import LAG, WINDOW, Bystanders, Victim
from faults.ground import Ground
from faults.tries import Try

ROOM_LIMIT = 5.0
"""Seconds after a call's end in which LiveKit may still have its room."""
DRAINED = 40.0
"""Seconds after its last call in which a worker that drains must have ended."""
SEED = 1
"""The first part of every seed."""

Strike = Callable[[Ground, list[Victim]], Awaitable[None]]
"""Lets a fault happen, and notes in each victim when it struck."""
Play = Callable[["Stage", int], Awaitable[list[Try]]]
"""Plays one round of at most so many tries, and gives them."""


@dataclass
class Stage:
    """What the rounds of one fault share."""

    ground: Ground
    fault: str
    bystanders: Bystanders
    made: int = 0
    """How many tries there are so far."""
    void: int = 0
    """How many rounds did not come about."""

    def seed(self, nth: int = 0) -> str:
        """Name the seed of a try of this round."""
        return f"{SEED}/{self.fault}/{self.made + nth}"


@dataclass(frozen=True)
class LiveCalls:
    """A round in which a fault strikes calls that are going on."""

    strike: Strike
    does: str = ""
    """What the reader of the calls does when it is asked to do something."""
    victims: int = 1
    others: int = 0
    """Other live calls, which the fault is none of."""
    limit: float = 20.0
    """Seconds after which a call that nobody answers counts as left hanging."""
    asks: bool = True
    """Whether a caller who hears something asks back, and goes on where somebody answers."""
    asks_after: float = inf
    """Seconds after which a caller asks whether anybody is there, though nobody has spoken."""
    from_the_start: bool = False
    """Whether the fault is there before the call: nobody is greeted first."""
    fresh: bool = False
    """Whether the worker does not live through it: each round begins with a new one."""
    drains: bool = False
    """Whether the worker is to end by itself, once its calls are over."""

    async def __call__(self, stage: Stage, tries: int) -> list[Try]:
        """Play it. Raises NotReady where the calls do not come about."""
        ground = stage.ground
        await stage.bystanders.be(self.others)
        victims = [Victim(self.does) for _ in range(min(self.victims, tries))]
        try:
            await self._bring_on(ground, victims)
            await asyncio.sleep(random.Random(stage.seed()).random())
            if not self.from_the_start:
                await self.strike(ground, victims)
            await asyncio.gather(*(self._watch(victim) for victim in victims))
            return await self._judge(stage, victims)
        finally:
            ground.heal()
            await ground.clear([v.call for v in victims if hasattr(v, "call")])
            if self.fresh:
                await ground.clear(stage.bystanders.calls)
                await ground.restart()

    async def _bring_on(self, ground: Ground, victims: list[Victim]) -> None:
        for victim in victims:
            await victim.ring(ground)
            victim.struck = victim.call.started_at
        if not self.from_the_start:
            await asyncio.gather(*(victim.ready() for victim in victims))

    async def _watch(self, victim: Victim) -> None:
        await victim.watch(self.limit, asks=self.asks, asks_after=self.asks_after)

    async def _judge(self, stage: Stage, victims: list[Victim]) -> list[Try]:
        made = [
            victim.tell(stage.ground, stage.fault, stage.seed(nth))
            for nth, victim in enumerate(victims)
        ]
        for victim in victims:
            if not victim.over:
                await victim.call.hang_up()
        struck = min(victim.struck for victim in victims)
        others = stage.bystanders.heard(struck) if await self._windows(struck) else ()
        last = max(victim.call.ended_at or 0.0 for victim in victims)
        note = await _drained(stage.ground, last) if self.drains else ""
        await asyncio.sleep(max(0.0, last + ROOM_LIMIT - time.time()))
        rooms = await stage.ground.rooms()
        return [
            replace(
                one,
                room_left=victim.call.room in rooms,
                others=() if nth else others,
                note="; ".join(filter(None, (one.note, note))),
            )
            for nth, (one, victim) in enumerate(zip(made, victims, strict=True))
        ]

    async def _windows(self, struck: float) -> bool:
        """Wait until the window after the fault is over; False where nobody listens to it."""
        if self.others:
            await asyncio.sleep(max(0.0, struck + WINDOW + LAG - time.time()))
        return bool(self.others)


async def _drained(ground: Ground, last: float) -> str:
    """Tell how long the worker stayed after its last call, in whole seconds."""
    if not await ground.worker.ended(DRAINED):
        return f"the worker still ran {DRAINED:.0f} s after its last call"
    return f"the worker ended within {ceil(time.time() - last)} s of its last call"
