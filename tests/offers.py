"""Jobs as LiveKit offers them to the desk, and what became of them."""

from __future__ import annotations

from typing import Any

from hostile import Attack
from livekit.agents import JobRequest
from livekit.protocol import agent, models

from host.server.admission import Admission
from host.server.heartbeat_monitor import HeartbeatMonitor
from host.settings import Settings


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


def a_desk(lines: HeartbeatMonitor, livekit: LiveKit, *, full: bool) -> Admission:
    """A desk for one call, which it has already where it is full."""
    edge: Any = livekit
    if full:
        lines.expect("AJ_live", "desk-1")
    return Admission(Settings(max_calls=1), lines, edge)


async def decided(desk: Admission, request: JobRequest) -> None:
    """Offer the desk a job, which is over as soon as it was taken."""
    await desk.request(request)
    desk.heartbeats.forget(request.id)
