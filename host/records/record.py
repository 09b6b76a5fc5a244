"""The record of one call: written once, in every ending."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator

from host.records.outcome import Outcome

Who = Literal["host", "far end", "persona", "colleague", "livekit"]
"""Who ended a call: the host by its own rules, the persona (its model, its tools, its policy), the
far end, the colleague that it was connected to, or somebody with LiveKit's API."""


class Written(BaseModel):
    """What can always be written down, whatever a provider or a caller sent."""

    @field_validator("*", mode="before")
    @classmethod
    def _as_unicode(cls, value: Any) -> Any:
        """Half of a character, which a stream may be cut at, can't be written as UTF-8."""
        return value.encode(errors="replace").decode() if isinstance(value, str) else value


class Utterance(Written):
    """One thing that was said or done in a call."""

    at: datetime = Field(description="when it was said or heard, UTC")
    who: Literal["persona", "caller"] = Field(description="who said it; caller is the far end")
    text: str = Field(description="what was said, as far as it was heard")


class ToolUse(Written):
    """One tool that the model used."""

    at: datetime = Field(description="when its result was there, UTC")
    name: str = Field(description="the tool's name")
    arguments: str = Field(description="what the model gave it, as JSON")
    result: str = Field(description="what the model was told of it")
    failed: bool = Field(description="whether it came to an error")


class KeyPress(Written):
    """One key, and who pressed it."""

    at: datetime = Field(description="when it was pressed, UTC")
    who: Literal["persona", "caller"] = Field(description="who pressed it; caller is the far end")
    digit: str = Field(description="one of 0123456789*#ABCD, or a bullet for it")


class Transfer(Written):
    """One try to hand the call over."""

    at: datetime = Field(description="when its result was there, UTC")
    to: str = Field(description="the target's name in host.toml")
    warm: bool = Field(False, description="whether somebody was asked before the caller was sent")
    succeeded: bool = Field(description="whether the call was handed over")
    reason: str = Field("", description="why it failed")
    sip_status: int | None = Field(None, description="SIP status that it failed with, like 603")


class Usage(Written):
    """What one model of one provider was used for, in its provider's units of billing."""

    kind: str = Field(description="llm, stt, tts, ...")
    provider: str = Field(description="whose model it is")
    model: str = Field(description="the model's name")
    amounts: dict[str, float] = Field(description="tokens, characters, seconds of audio, by name")


class CallRecord(Written):
    """What happened in one call. Times are UTC, durations are seconds."""

    version: Literal[1] = Field(1, description="version of this form of record")
    id: str = Field(description="LiveKit's job id")
    room: str = Field(description="LiveKit's room; a number in its name is masked")
    persona: str | None = Field(description="who had the call; null where nobody took it")
    direction: Literal["inbound", "outbound"] = Field(description="who placed it: they, or we")
    number: str | None = Field(
        None, description="the far end's number, unverified; masked and named, as +1…01~bcdfghjklm"
    )
    our_number: str | None = Field(
        None, description="the number that was dialled, or shown; masked like number"
    )
    outcome: Outcome = Field(description="how it ended")
    ended_by: Who = Field(description="who ended it; livekit is somebody with LiveKit's API")
    reason: str = Field(description="why it ended, in plain words")
    sip_status: int | None = Field(None, description="SIP status of a dial that failed, like 486")
    retryable: bool = Field(description="whether the same call may go better later")
    dispatched_at: datetime = Field(description="when the host took the call, UTC")
    dialled_at: datetime | None = Field(None, description="when dialling began, UTC; outbound only")
    ringing_at: datetime | None = Field(None, description="when it rang, UTC")
    answered_at: datetime | None = Field(None, description="when somebody picked up, UTC")
    first_word_at: datetime | None = Field(None, description="when the persona first spoke, UTC")
    ended_at: datetime = Field(description="when it was over, UTC")
    duration: float = Field(description="seconds from the answer to the end; 0 when unanswered")
    ring_time: float | None = Field(None, description="seconds from dialling or ringing to answer")
    time_to_first_word: float | None = Field(None, description="seconds from the answer to it")
    voicemail: str | None = Field(
        None,
        description="what answered: human, machine-vm, machine-unavailable, machine-ivr, "
        "screening or uncertain; null where nobody listened for it",
    )
    voicemail_reason: str | None = Field(None, description="what that was concluded from")
    transcript: list[Utterance] = Field([], description="what was said, in order")
    tools: list[ToolUse] = Field([], description="the tools that the model used, in order")
    keys: list[KeyPress] = Field([], description="the keys that were pressed, in order")
    transfers: list[Transfer] = Field([], description="the tries to hand it over, in order")
    usage: list[Usage] = Field([], description="what each model was used for")
    taken_over: int = Field(0, description="how often a new process took it over from a dead one")
    recording: str | None = Field(None, description="file of the recorded call")
    error: str | None = Field(None, description="what broke, where something did")
