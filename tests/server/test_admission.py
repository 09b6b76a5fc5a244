"""The parent's desk: whatever metadata a job has, it decides and keeps nothing of it."""

from __future__ import annotations

import gc
import weakref

import pytest
from hostile import SECRET, VICTIM, Attack, malformed
from offers import LiveKit, a_desk, decided

from host.dispatch import probe
from host.server import admission as module
from host.server.admission import OTHERS_LIMIT, OTHERS_LIMIT_TO_DIAL
from host.server.heartbeat_monitor import HeartbeatMonitor

COUNT = 1000


@pytest.fixture
def livekit(monkeypatch: pytest.MonkeyPatch) -> LiveKit:
    """LiveKit, and nothing of it that could dial."""
    livekit = LiveKit()
    monkeypatch.setattr(module, "mark_taken", livekit.mark_taken)
    monkeypatch.setattr(module, "end_room", livekit.end_room)
    return livekit


@pytest.fixture
async def lines() -> HeartbeatMonitor:
    """No call is live."""

    async def lost(live: object) -> None:
        raise NotImplementedError

    return HeartbeatMonitor(lost)


@pytest.mark.corpus
@pytest.mark.parametrize("full", [False, True])
async def test_a_thousand_malformed_are_decided_and_leave_nothing_behind(
    lines: HeartbeatMonitor, livekit: LiveKit, full: bool, caplog: pytest.LogCaptureFixture
) -> None:
    admission = a_desk(lines, livekit, full=full)
    requests = [livekit.request(attack, at) for at, attack in enumerate(malformed(COUNT))]
    assert len(requests) == COUNT
    for request in requests:
        await decided(admission, request)
    assert (livekit.rejected if full else livekit.accepted) == COUNT
    assert livekit.waited == ({OTHERS_LIMIT} if full else set()), "one of them is yet to be dialled"
    assert livekit.marked == (0 if full else COUNT), "one of them is yet to be dialled"
    assert len(lines) == full
    assert (SECRET in caplog.text, VICTIM in caplog.text) == (False, False)
    kept = [weakref.ref(request) for request in requests]
    del request, requests
    gc.collect()
    assert not any(request() for request in kept)


async def test_a_call_that_is_yet_to_be_dialled_is_left_to_others_for_longer(
    lines: HeartbeatMonitor, livekit: LiveKit
) -> None:
    good = Attack("good", f'{{"phone_number": "{VICTIM}"}}')
    await a_desk(lines, livekit, full=True).request(livekit.request(good, 0))
    assert livekit.waited == {OTHERS_LIMIT_TO_DIAL}


@pytest.mark.parametrize("full", [False, True])
async def test_a_probe_is_answered_and_never_taken(
    lines: HeartbeatMonitor, livekit: LiveKit, full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    async def answer(api: object, room: str, why: str | None) -> None:
        told.append((room, why))

    monkeypatch.setattr(probe, "answer", answer)
    asked = livekit.request(Attack("probe", ""), 0)
    asked.room.metadata = probe.ASKED
    await a_desk(lines, livekit, full=full).request(asked)
    assert told == [(asked.room.name, "1 live calls" if full else None)]
    assert (livekit.accepted, livekit.rejected, livekit.waited) == (0, 1, set())
    assert len(lines) == full
