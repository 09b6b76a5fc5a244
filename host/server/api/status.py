"""How a requested call stands: queued, its status as LiveKit shows it, and its end."""

from __future__ import annotations

from host.base.clock import now
from host.call.state import CallStatus
from host.dispatch.place import CallResult
from host.records.redaction import masked_id
from host.server.api.schemas import AskedCall, Status, WantedCall
from host.settings import Settings

_STANDS: dict[str, Status] = {
    CallStatus.DIALING: "dialing",
    CallStatus.RINGING: "ringing",
    CallStatus.AUTOMATION: "active",
    CallStatus.ACTIVE: "active",
}
"""LiveKit's `sip.callStatus` to the API's status."""


def queued(id: str, wanted: WantedCall, room: str, settings: Settings) -> AskedCall:
    """Return a call that was just asked for. Its IDs are masked as in its record."""

    def masked(theirs: str | None) -> str | None:
        persona = settings.persona(wanted.persona)
        return masked_id(theirs, wanted.number, persona, settings.state_dir)

    return AskedCall(
        id=id,
        persona=wanted.persona,
        room=room,
        reference=masked(wanted.reference),
        idempotency_key=masked(wanted.idempotency_key),
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
            "ended_at": asked.ended_at or now(),
        }
    )
