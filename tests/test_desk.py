"""The parent's desk: whatever metadata a job has, it decides at once and keeps nothing of it."""

from __future__ import annotations

import gc
import math
import time
import tracemalloc
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any

import psutil
import pytest
from hostile import SECRET, VICTIM, Attack, attacks
from livekit.agents import JobRequest
from livekit.protocol import agent, models

from host import desk as module
from host.desk import OTHERS_LIMIT, OTHERS_LIMIT_TO_DIAL, Desk
from host.lifeline import Lifelines
from host.settings import Settings

COUNT = 1000
LIMIT = 0.005
"""Seconds in which 99 of 100 are decided."""
GROWTH = 1024**2
"""Bytes that the parent may have grown by after all of them."""
ROUNDS = 3
"""How often they are all offered once more."""


class LiveKit:
    """LiveKit at the edge: what it was answered, and what it was asked to do with the rooms."""

    def __init__(self) -> None:
        self.accepted = self.rejected = self.marked = 0
        self.waited: set[float] = set()
        """Seconds that others had to take what was rejected."""

    def request(self, attack: Attack, at: int) -> JobRequest:
        """A job as LiveKit offers it."""
        room = models.Room(name=f"{attack.room}-{at}", sid="RM_1")
        job = agent.Job(id=f"AJ_{at}", room=room, metadata=attack.metadata)
        return JobRequest(job=job, on_reject=self._reject, on_accept=self._accept)

    async def mark_taken(self, livekit: Any, room: str, job: str) -> None:
        self.marked += 1

    async def end_room(self, livekit: Any, room: str, *, sid: str, patience: float) -> None:
        self.waited.add(patience)

    async def _reject(self, terminate: bool) -> None:
        self.rejected += 1

    async def _accept(self, arguments: object) -> None:
        self.accepted += 1


@pytest.fixture
def livekit(monkeypatch: pytest.MonkeyPatch) -> LiveKit:
    """LiveKit, and nothing of it that could dial."""
    livekit = LiveKit()
    monkeypatch.setattr(module, "mark_taken", livekit.mark_taken)
    monkeypatch.setattr(module, "end_room", livekit.end_room)
    return livekit


@pytest.fixture
async def lines() -> Lifelines:
    """No call is live."""

    async def lost(live: object) -> None:
        raise NotImplementedError

    return Lifelines(lost)


def malformed() -> Iterator[Attack]:
    """Metadata that LiveKit takes, and that is no call: of each kind in turn."""
    no_calls = {"other_persona", "other_number", "details_that_do_not_fit", "room_that_resembles"}
    every = (each for each in attacks(3 * COUNT) if each.can_be_sent)
    return islice((each for each in every if each.kind not in no_calls), COUNT)


def a_desk(lines: Lifelines, livekit: LiveKit, *, full: bool) -> Desk:
    """A desk for one call, which it has already where it is full."""
    edge: Any = livekit
    if full:
        lines.expect("AJ_live", "desk-1")
    return Desk(Settings(max_calls=1), lines, edge)


async def offered(desk: Desk, livekit: LiveKit, every: list[Attack]) -> list[float]:
    """Offer one job after the other, each of which is over at once; give the seconds of each."""
    took = []
    for at, attack in enumerate(every):
        request = livekit.request(attack, at)
        began = time.thread_time()
        await desk.request(request)
        took.append(time.thread_time() - began)
        desk.lifelines.forget(request.id)
    return sorted(took)


@pytest.mark.parametrize("full", [False, True])
async def test_a_thousand_malformed_are_decided_at_once_and_leave_nothing_behind(
    lines: Lifelines, livekit: LiveKit, full: bool, caplog: pytest.LogCaptureFixture
) -> None:
    desk = a_desk(lines, livekit, full=full)
    every = list(malformed())
    assert len(every) == COUNT
    await offered(desk, livekit, every)  # what is made once is made
    assert (SECRET in caplog.text, VICTIM in caplog.text) == (False, False)
    module.log.disabled = True  # what is logged is kept by pytest
    took: list[float] = []
    sizes: list[int] = []
    try:
        for _ in range(ROUNDS):
            gc.collect()
            sizes.append(psutil.Process().memory_info().rss)
            took = await offered(desk, livekit, every)
    finally:
        module.log.disabled = False
    gc.collect()
    sizes.append(psutil.Process().memory_info().rss)
    # Threads of the tests before grow as well, now and then; what is kept of these grows each time.
    grown = min(after - before for before, after in pairwise(sizes))
    assert took[math.ceil(COUNT * 0.99) - 1] < LIMIT, f"the slowest: {took[-12:]}"
    assert grown < GROWTH, f"the process has grown by {grown} bytes"
    offers = (1 + ROUNDS) * COUNT
    assert (livekit.rejected if full else livekit.accepted) == offers
    assert livekit.waited == ({OTHERS_LIMIT} if full else set()), "one of them is yet to be dialled"
    assert livekit.marked == (0 if full else offers), "one of them is yet to be dialled"
    assert len(lines) == full


@pytest.mark.parametrize("full", [False, True])
async def test_nothing_of_a_thousand_is_kept(
    lines: Lifelines, livekit: LiveKit, full: bool
) -> None:
    desk = a_desk(lines, livekit, full=full)
    every = list(malformed())
    module.log.disabled = True  # what is logged is kept by pytest
    try:
        await offered(desk, livekit, every)
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        await offered(desk, livekit, every)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        module.log.disabled = False
    assert after - before < 64 * 1024, f"{after - before} bytes are kept of {COUNT}"


async def test_a_call_that_is_yet_to_be_dialled_is_left_to_others_for_longer(
    lines: Lifelines, livekit: LiveKit
) -> None:
    edge: Any = livekit
    lines.expect("AJ_live", "desk-1")
    good = Attack("good", f'{{"phone_number": "{VICTIM}"}}')
    await Desk(Settings(max_calls=1), lines, edge).request(livekit.request(good, 0))
    assert livekit.waited == {OTHERS_LIMIT_TO_DIAL}
