"""The record of one call: written once, in every ending."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from host.outcome import Outcome

if TYPE_CHECKING:
    from host.call import Call

Who = Literal["host", "far end", "persona", "livekit"]


class Line(BaseModel):
    """One thing that was said or done in a call."""

    at: datetime
    who: Literal["persona", "caller"]
    text: str


class ToolUse(BaseModel):
    """One tool that the model used."""

    at: datetime
    name: str
    arguments: str
    result: str
    failed: bool


class Keys(BaseModel):
    """One key, and who pressed it."""

    at: datetime
    who: Literal["persona", "caller"]
    digit: str


class Transfer(BaseModel):
    """One try to hand the call over."""

    at: datetime
    to: str
    succeeded: bool
    sip_status: int | None = None


class CallRecord(BaseModel):
    """What happened in one call. Times are UTC, durations are seconds."""

    version: Literal[1] = 1
    id: str = Field(description="LiveKit's job id")
    room: str
    persona: str | None
    direction: Literal["inbound", "outbound"]
    number: str | None = Field(None, description="the far end's number, unverified")
    our_number: str | None = Field(None, description="the number that was dialled, or shown")
    outcome: Outcome
    ended_by: Who
    reason: str = Field(description="why it ended, in a plain sentence")
    sip_status: int | None = None
    retryable: bool
    dispatched_at: datetime
    dialled_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    first_word_at: datetime | None = None
    ended_at: datetime
    duration: float = Field(description="seconds from the answer to the end; 0 when unanswered")
    voicemail: str | None = Field(None, description="what answered, as LiveKit's AMD says")
    transcript: list[Line] = []
    tools: list[ToolUse] = []
    keys: list[Keys] = []
    transfers: list[Transfer] = []
    error: str | None = None


def record_of(call: Call) -> CallRecord:
    """Write down a call that is over."""
    ending, times = call.ending.result(), call.times
    answered, ended = times.get("answered"), times["ended"]
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
        retryable=ending.outcome.retryable,
        dispatched_at=times["dispatched"],
        dialled_at=times.get("dialled"),
        ringing_at=times.get("ringing"),
        answered_at=answered,
        first_word_at=times.get("first_word"),
        ended_at=ended,
        duration=round((ended - answered).total_seconds(), 3) if answered else 0.0,
        voicemail=call.voicemail,
        transcript=call.transcript,
        tools=call.tools_used,
        keys=call.keys,
        transfers=call.transfers,
        error=ending.error,
    )
