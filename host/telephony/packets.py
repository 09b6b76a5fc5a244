"""Tells by its packets whether a telephone holds the call, or has lost its network.

LiveKit SIP tells the room nothing of a hold (1.11). It forwards what arrives, and a telephone's
line sends packets in a silence, too, so a track whose packets stop is on hold without media
(`a=inactive`, RFC 3264 section 8.4), or cut off. A line with silence suppression also pauses, but
LiveKit SIP would end its call after MEDIA_TIMEOUT anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from livekit import rtc

from host.call.live import LiveCall
from host.records.ending import Ending
from host.records.outcome import Outcome

LOOK = 1.0
"""Seconds between looks at the SDK's statistics, which has no event for them."""
LOOK_LIMIT = 2.0
"""Seconds that the SDK may take for its statistics."""
STILL = 3.0
"""Seconds without a packet that count as a hold."""
MEDIA_TIMEOUT = 15.0
"""Seconds without a packet after which LiveKit SIP hangs up: the default of its media_timeout."""
LATE = 1.5
"""Seconds by which its hang-up and our count may differ."""


class Watched(Protocol):
    """The far end whose packets are watched."""

    room: rtc.Room

    @property
    def participant(self) -> rtc.RemoteParticipant | None: ...


class Packets:
    """Watches the packets of one telephone."""

    def __init__(self, call: LiveCall, far_end: Watched) -> None:
        self._call, self._far_end = call, far_end
        self._seen: int | None = None
        self._moved_at = 0.0
        self._held = False

    @property
    def missing(self) -> float:
        """Seconds since the last packet; 0 if that is not known."""
        return _now() - self._moved_at if self._moved_at else 0.0

    async def watch(self) -> None:
        """Put the call on hold while no packets arrive, until it is over."""
        call = self._call
        while not (call.over or call.state.connected):
            seen = await self._count()
            if seen is None or seen != self._seen:
                self._seen, self._moved_at = seen, _now()
                if self._held:
                    self._held = False
                    call.hold.end("audio arrives again")
            elif seen and self.missing >= STILL and not self._held and not self._speaks():
                self._held = not call.hold.active
                call.hold.begin("no audio arrives")
            await asyncio.sleep(LOOK)

    def ending(self, *, told: bool) -> Ending | None:
        """Return the ending of a telephone that leaves while its packets are missing, else None.

        `told`: whether LiveKit SIP has set the call status `hangup`, as it always does for a BYE.
        """
        if self.missing < STILL:
            return None
        party, seconds = self._call.state.other_party, f"{self.missing:.0f} s"
        if not told or abs(self.missing - MEDIA_TIMEOUT) <= LATE:
            reason = f"no audio arrived from the {party} for {seconds}: LiveKit SIP's media_timeout"
            return Ending(Outcome.COMPLETED, "livekit", reason)
        reason = f"the {party} hung up, or LiveKit SIP did, after {seconds} without audio"
        return Ending(Outcome.COMPLETED, "far end", reason)

    async def _count(self) -> int | None:
        """Return the packets of the telephone's track so far; None if they can't be counted."""
        participant, room = self._far_end.participant, self._far_end.room
        if participant is None or room.connection_state != rtc.ConnectionState.CONN_CONNECTED:
            return None
        return await packets_of(participant, self._seen or 0)

    def _speaks(self) -> bool:
        """Return whether the persona speaks: whoever listens to it may be on a quiet line."""
        session = self._call.session
        return session is not None and session.agent_state == "speaking"


async def packets_of(participant: rtc.RemoteParticipant, before: int) -> int | None:
    """Return the packets of somebody's track so far; None if they can't be counted.

    A muted track has as many as `before`: what it sends is no audio.
    """
    for publication in participant.track_publications.values():
        if publication.muted:
            return before
        if publication.kind == rtc.TrackKind.KIND_AUDIO and publication.track:
            with contextlib.suppress(Exception):  # the SDK raises Exception itself
                stats = await asyncio.wait_for(publication.track.get_stats(), LOOK_LIMIT)
                return sum(one.inbound_rtp.received.packets_received for one in stats)
    return None


def _now() -> float:
    return asyncio.get_running_loop().time()
