"""The record of one call: written once, in every ending."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from host.outcome import Outcome

if TYPE_CHECKING:
    from host.call import Call

Who = Literal["host", "far end", "persona", "livekit"]
"""Who ended a call: the host by its own rules, the persona (its model, its tools, its policy), the
far end, or somebody with LiveKit's API."""


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
    to: str = Field(description="the target's name in host.toml")
    warm: bool = False
    succeeded: bool
    reason: str = Field("", description="why it failed")
    sip_status: int | None = None


class Usage(BaseModel):
    """What one model of one provider was used for, in its provider's units of billing."""

    kind: str = Field(description="llm, stt, tts, ...")
    provider: str
    model: str
    amounts: dict[str, float] = Field(description="tokens, characters, seconds of audio, by name")


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
    ring_time: float | None = Field(None, description="seconds from dialling or ringing to answer")
    time_to_first_word: float | None = Field(None, description="seconds from the answer to it")
    voicemail: str | None = Field(
        None,
        description="what answered: human, machine-vm, machine-unavailable, machine-ivr, "
        "screening or uncertain; null where nobody listened for it",
    )
    voicemail_reason: str | None = Field(None, description="what that was concluded from")
    transcript: list[Line] = []
    tools: list[ToolUse] = []
    keys: list[Keys] = []
    transfers: list[Transfer] = []
    usage: list[Usage] = []
    recording: str | None = Field(None, description="file of the recorded call")
    error: str | None = None


def record_of(call: Call) -> CallRecord:
    """Write down a call that is over."""
    ending, times = call.ending.result(), call.times
    answered, ended = times.get("answered"), times["ended"]
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
        retryable=ending.outcome.retryable(ending.sip_status),
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
        recording=call.recording,
        error=ending.error,
    )


def _seconds(begun: datetime | None, ended: datetime | None) -> float | None:
    if begun is None or ended is None:
        return None
    return round(max((ended - begun).total_seconds(), 0.0), 3)
