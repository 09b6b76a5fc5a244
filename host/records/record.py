"""The record of one call, written once however the call ends.

One module in spite of its length: most of it is fields and what they mean.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from host.records.cost import Cost
from host.records.outcome import Outcome

Who = Literal["host", "far end", "persona", "colleague", "livekit", "operator"]
"""The side that ended a call: the host by its rules, the persona (its model, tools or policy), the
far end, the colleague of a transfer, a client of LiveKit's API, or an operator: `host hangup`, the
console, or a client of the host's own API."""

Direction = Literal["inbound", "outbound"]


class Written(BaseModel):
    """A model whose strings can always be encoded, whatever a provider or caller sent."""

    @field_validator("*", mode="before")
    @classmethod
    def _as_unicode(cls, value: Any) -> Any:
        """Replace lone surrogates, which UTF-8 can't encode and a truncated stream may contain."""
        return value.encode(errors="replace").decode() if isinstance(value, str) else value


class Utterance(Written):
    """One utterance of the persona, the far end or an operator."""

    at: datetime = Field(description="time of the utterance, UTC")
    who: Literal["persona", "caller", "operator"] = Field(
        description="speaker; `caller` is the far end, `operator` a person who took the call over"
    )
    text: str = Field(
        description="spoken text; if the utterance was interrupted, the part that was heard; "
        "`[not recorded]` if the recording was paused or stopped"
    )


class ToolUse(Written):
    """One tool call of the model."""

    at: datetime = Field(description="time of the result, UTC")
    name: str = Field(description="name of the tool")
    arguments: str = Field(description="arguments from the model, as JSON")
    result: str = Field(description="result returned to the model")
    failed: bool = Field(description="whether the tool call failed")


class KeyPress(Written):
    """One key press."""

    at: datetime = Field(description="time of the key press, UTC")
    who: Literal["persona", "caller"] = Field(
        description="side that pressed the key; `caller` is the far end"
    )
    digit: str = Field(description="one of 0123456789*#ABCD, or a bullet if masked")


class MenuChoice(Written):
    """One choice in a keypad menu."""

    at: datetime = Field(description="time of the choice, UTC")
    menu: str = Field(description="name of the menu; its prompt, if it has no name")
    key: str | None = Field(
        None,
        description="key that was pressed, or a bullet if masked; null if none was pressed and the "
        "menu's default was chosen",
    )
    choice: str | None = Field(
        None, description="what was chosen: text, number or submenu; null if it is another object"
    )


class Transfer(Written):
    """One attempt to transfer the call."""

    at: datetime = Field(description="time of the result, UTC")
    to: str = Field(description="name of the transfer target in host.toml")
    number: str | None = Field(
        None, description="number or SIP address of the target; a number is masked like `number`"
    )
    mode: Literal["refer", "bridge", "warm"] | None = Field(
        None,
        description="refer: the far end was referred to the target; bridge: the target was called "
        "into the room; warm: the same, after the colleague was asked",
    )
    warm: bool = Field(
        False, description="whether the colleague was asked before the caller was connected"
    )
    succeeded: bool = Field(description="whether the transfer succeeded")
    reason: str = Field("", description="reason of the failure")
    sip_status: int | None = Field(None, description="SIP status of the failure, such as 603")
    answered_by: str | None = Field(
        None,
        description="what answered when the colleague was called into the room: human, machine-vm, "
        "machine-unavailable, screening, announcement or uncertain; null if it was not judged",
    )
    connected_at: datetime | None = Field(
        None,
        description="time when the target answered in the room, UTC; null if that was not seen, as "
        "in a transfer by REFER",
    )


class Usage(Written):
    """Usage of one model, in its provider's billing units."""

    kind: str = Field(description="kind of model: llm, stt, tts, ...")
    provider: str = Field(description="provider of the model")
    model: str = Field(description="name of the model")
    amounts: dict[str, float] = Field(
        description="billed amounts by unit: tokens, characters, seconds of audio"
    )


class PersonaShare(Written):
    """The time in which one persona had the call."""

    # `from` is a keyword of Python: it is `since` in Python alone, `from` in JSON.
    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    name: str = Field(description="name of the persona")
    since: datetime = Field(alias="from", description="time when it took the call, UTC")
    until: datetime | None = Field(
        None, description="time when it handed the call over, or the call ended, UTC"
    )


class OperatorShare(Written):
    """The time in which an operator talked with the far end in the persona's place."""

    # `from` is a keyword of Python: it is `since` in Python alone, `from` in JSON.
    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    since: datetime = Field(alias="from", description="time when the operator took it over, UTC")
    until: datetime | None = Field(
        None, description="time when the persona had it back, or the call ended, UTC"
    )
    ended: Literal["handed back", "lost"] | None = Field(
        None,
        description="handed back by the operator, or lost: their browser was gone; null if the "
        "call ended",
    )


class CallRecord(Written):
    """The record of one call. Times are UTC, durations are seconds."""

    version: Literal[1] = Field(1, description="version of the record format")
    id: str = Field(description="LiveKit job ID")
    room: str = Field(description="LiveKit room; a number in its name is masked")
    persona: str | None = Field(
        description="persona that took the call first; null if no persona took it"
    )
    direction: Direction = Field(
        description="inbound if the far end placed the call, outbound if the host did"
    )
    number: str | None = Field(
        None,
        description="number of the far end, unverified; masked, with a pseudonym: +1…01~bcdfghjklm",
    )
    our_number: str | None = Field(
        None,
        description="dialled number, or caller ID of an outbound call; masked like `number`",
    )
    reference: str | None = Field(
        None,
        description="your own ID of the call: `reference` of the metadata, the API or `host call`; "
        "a telephone number in it is masked like `number`",
    )
    idempotency_key: str | None = Field(
        None,
        description="idempotency key of the request, masked like `reference`; if the API got none, "
        "`api-` and the call's ID in the API",
    )
    outcome: Outcome = Field(description="outcome of the call")
    ended_by: Who = Field(
        description="side that ended the call; `livekit` is a client of LiveKit's API, `operator` "
        "is `host hangup`, the console or a client of the host's API"
    )
    reason: str = Field(description="reason of the outcome")
    sip_status: int | None = Field(None, description="SIP status of a failed dial, such as 486")
    retryable: bool = Field(description="whether a retry may succeed")
    retry_at: datetime | None = Field(
        None, description="time from which the gate will allow a call that it has blocked, UTC"
    )
    dispatched_at: datetime = Field(description="time when the host took the call, UTC")
    dialled_at: datetime | None = Field(
        None, description="time when dialling began, UTC; outbound only"
    )
    ringing_at: datetime | None = Field(
        None,
        description="time when ringing began, UTC; of an inbound call, the INVITE as LiveKit shows "
        "it, which may precede `dispatched_at`",
    )
    answered_at: datetime | None = Field(None, description="time of the answer, UTC")
    first_word_at: datetime | None = Field(
        None, description="time when the persona first spoke, UTC"
    )
    ended_at: datetime = Field(description="time of the end, UTC")
    duration: float = Field(description="seconds from the answer to the end; 0 if unanswered")
    ring_time: float | None = Field(
        None,
        description="seconds of ringing before the answer, or of dialling if none was reported",
    )
    time_to_first_word: float | None = Field(
        None, description="seconds from the answer to the persona's first words"
    )
    voicemail: str | None = Field(
        None,
        description="result of machine detection: human, machine-vm, machine-unavailable, "
        "machine-ivr, screening, announcement or uncertain; null if it did not run",
    )
    voicemail_reason: str | None = Field(None, description="evidence for the result in `voicemail`")
    transcript: list[Utterance] = Field([], description="utterances, in order")
    tools: list[ToolUse] = Field([], description="tool calls of the model, in order")
    keys: list[KeyPress] = Field([], description="key presses, in order")
    menus: list[MenuChoice] = Field([], description="choices in keypad menus, in order")
    transfers: list[Transfer] = Field([], description="attempts to transfer the call, in order")
    personas: list[PersonaShare] = Field(
        [], description="personas that had the call, in order: more than one after a handover"
    )
    operators: list[OperatorShare] = Field(
        [], description="times in which an operator had taken the call over, in order"
    )
    usage: list[Usage] = Field([], description="usage of each model")
    cost: Cost | None = Field(None, description="cost by `[prices]`; null without prices")
    opted_out: bool = Field(
        False, description="whether the far end was put on the do-not-call list in the call"
    )
    results: dict[str, Any] = Field(
        {},
        description="what the persona and plugins put into `call.results`: JSON values by name; "
        "`conclusions` is what the LLM filled in for the hook `conclusions`",
    )
    conclusions_error: str | None = Field(
        None, description="why there are no conclusions, although the persona asked for some"
    )
    taken_over: int = Field(
        0, description="number of times that another process took over the call"
    )
    recording: str | None = Field(
        None, description="path of the recording, on the machine that had the call"
    )
    recording_url: str | None = Field(
        None,
        description="URL at which a plugin stores the recording, perhaps only after the record is "
        "written",
    )
    recording_stopped_at: datetime | None = Field(
        None,
        description="time when the recording was stopped during the call, such as at the caller's "
        "request, UTC; nothing that was said after that is recorded",
    )
    recording_discarded: bool = Field(
        False,
        description="whether what was recorded until then was to be deleted; if `recording` names "
        "a file, it could not be deleted",
    )
    error: str | None = Field(None, description="error that occurred in the call")

    @property
    def names(self) -> list[str]:
        """The names of all personas that had the call."""
        shared = [share.name for share in self.personas]
        return shared or ([self.persona] if self.persona else [])
