"""Writes down a call: the record, of one that is over or under way."""

from __future__ import annotations

from datetime import datetime

from host.base.clock import now
from host.call.call import Call
from host.records.ending import Ending
from host.records.record import CallRecord


def record_of(call: Call, ending: Ending) -> CallRecord:
    """Write down a call with its ending."""
    times = call.times
    answered, ended = times.get("answered"), times.get("ended") or now()
    rang = times.get("dialled") or times.get("ringing")
    return CallRecord(
        id=call.id,
        room=call.room,
        persona=call.persona or None,
        direction="outbound" if call.outbound else "inbound",
        number=call.number,
        our_number=call.our_number,
        outcome=ending.outcome,
        ended_by=ending.by,
        reason=ending.reason,
        sip_status=ending.sip_status,
        retryable=ending.worth_a_retry,
        dispatched_at=times["dispatched"],
        dialled_at=times.get("dialled"),
        ringing_at=times.get("ringing"),
        answered_at=answered,
        first_word_at=times.get("first_word"),
        ended_at=ended,
        duration=_seconds(answered, ended) or 0.0,
        ring_time=_seconds(rang, answered),
        time_to_first_word=_seconds(answered, times.get("first_word")),
        voicemail=call.voicemail,
        voicemail_reason=call.voicemail_reason,
        transcript=call.transcript,
        tools=call.tools_used,
        keys=call.keys,
        transfers=call.transfers,
        usage=call.usage,
        taken_over=call.taken_over,
        recording=call.recording,
        error=ending.error,
    )


def _seconds(begun: datetime | None, ended: datetime | None) -> float | None:
    if begun is None or ended is None:
        return None
    return round(max((ended - begun).total_seconds(), 0.0), 3)
