"""The status of a live call, as the API, its events and the command line tell it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol

from host.call.state import CallStatus

LiveStatus = Literal["queued", "dialing", "ringing", "active"]

_STATUS: dict[CallStatus, LiveStatus] = {
    CallStatus.DIALING: "dialing",
    CallStatus.RINGING: "ringing",
    CallStatus.AUTOMATION: "active",
    CallStatus.ACTIVE: "active",
    CallStatus.HANGUP: "active",  # it is being hung up
}


class Standing(Protocol):
    """What the status depends on: a `CallState`, or the part of it that a checkpoint shows."""

    outbound: bool
    status: CallStatus
    dialled_at: datetime | None
    answered_at: datetime | None


def live_status(state: Standing) -> LiveStatus:
    """Return the status of a call that is live."""
    if state.answered_at:
        return "active"
    return "queued" if state.outbound and not state.dialled_at else _STATUS[state.status]
