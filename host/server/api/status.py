"""How a requested call stands: queued, its status as LiveKit shows it, and its end."""

from __future__ import annotations

from datetime import datetime

from host.base.clock import now
from host.call.state import CallStatus
from host.dispatch.place import CallResult
from host.server.api.schemas import AskedCall, Status, WantedCall
from host.server.live_calls import Masks

_STANDS: dict[str, Status] = {
    CallStatus.DIALING: "dialing",
    CallStatus.RINGING: "ringing",
    CallStatus.AUTOMATION: "active",
    CallStatus.ACTIVE: "active",
}
"""LiveKit's `sip.callStatus` to the API's status."""


def queued(id: str, wanted: WantedCall, room: str, mask: Masks) -> AskedCall:
    """Return a call that was just asked for.

    Its numbers and IDs are masked as in its record if all personas have had it that may get it.
    """
    personas, number = mask.whoever_may_get(wanted.persona), wanted.number
    return AskedCall(
        id=id,
        persona=wanted.persona,
        number=mask.number(number, personas),
        our_number=mask.number(wanted.caller_id, personas),
        room=room,
        reference=mask.id(wanted.reference, number, personas),
        idempotency_key=mask.id(wanted.idempotency_key, number, personas),
        asked_at=now(),
    )


def note_status(asked: AskedCall, status: str) -> None:
    """Set the status from LiveKit's `sip.callStatus`, and the time at which it was first seen.

    A status that was skipped gets the time of the next one. A call may be answered without ringing.
    """
    stands = _STANDS.get(status)
    if stands is None:
        return
    asked.status = stands
    at = now()
    asked.dialing_at = asked.dialing_at or at
    if stands == "ringing":
        asked.ringing_at = asked.ringing_at or at
    if stands == "active":
        asked.answered_at = asked.answered_at or at


def ended(asked: AskedCall, placed: CallResult) -> AskedCall:
    """Return a call that is over now, or was already and has another result."""
    return asked.model_copy(
        update={
            "status": "over",
            "outcome": placed.outcome,
            "reason": placed.reason,
            "sip_status": placed.sip_status,
            "retryable": placed.retryable,
            "retry_at": placed.retry_at and datetime.fromisoformat(placed.retry_at),
            "ended_at": asked.ended_at or now(),
        }
    )
