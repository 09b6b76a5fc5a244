"""The record of one call: written once, in every ending."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from host.outcome import Outcome

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
