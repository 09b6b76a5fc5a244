"""The schemas of the HTTP API: requests, calls and errors."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

from host.base.e164 import PATTERN
from host.call.dispatch import MAX_ID, RESERVED
from host.records.outcome import Outcome
from host.records.record import Direction


def _in_words(given: Any) -> Any:
    if isinstance(given, datetime) or (isinstance(given, str) and given[4:5] == "-"):
        return given
    raise ValueError("must be a time with its zone, as 2026-11-30T09:00:00Z")


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has characters that can't be printed")
    return text


LONGEST_TEXT = 300
"""Maximum length of an error message, in characters."""

Key = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
"""An idempotency key: printable ASCII without spaces, so that it fits into a header."""
Reference = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_ID), AfterValidator(_printable)
]
Keys = Annotated[str, StringConstraints(pattern=r"^[0-9*#A-Da-dWw,]{1,60}$")]
"""Keys and pauses."""
Status = Literal["scheduled", "queued", "dialing", "ringing", "active", "over"]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_in_words),
    Field(json_schema_extra={"format": "date-time"}),
]
"""A time with its zone: ISO 8601, and no number of seconds, which pydantic would read, too."""


class WantedCall(BaseModel):
    """A request to place a call."""

    model_config = ConfigDict(extra="forbid")

    persona: str = Field(max_length=100, description="persona that places the call")
    number: str = Field(
        pattern=f"^{PATTERN}$",
        description="number to call, in E.164",
        examples=["+15552220001"],
    )
    details: dict[str, Any] = Field(
        default_factory=dict,
        description="details of the call, validated by the persona's parse_metadata",
        json_schema_extra={"propertyNames": {"not": {"enum": list(RESERVED)}}},
    )
    caller_id: str | None = Field(
        None,
        pattern=f"^{PATTERN}$",
        description="number that the callee sees, in E.164: the persona's caller_id, which is the "
        "default, or one of its numbers",
    )
    idempotency_key: Key | None = Field(
        None,
        description="key of this request: repeats with the same key return the same call; "
        "the header Idempotency-Key is an alternative",
    )
    reference: Reference | None = Field(
        None, description="your own ID of the call, which its record and webhook have, too"
    )
    dtmf: Keys | None = Field(
        None,
        description="keys that are pressed after the answer, as for an extension: w waits 0.5 s, "
        "a comma 2 s; at most 30 s",
        examples=["ww123#"],
    )
    not_before: Moment | None = Field(
        None,
        description="time from which the call may be placed, with its zone: the host places it as "
        "soon as the gate allows it then; at most 30 days ahead",
        examples=["2026-12-01T09:00:00-05:00"],
    )
    not_after: Moment | None = Field(
        None,
        description="time from which the call is not placed any more; by default a day after "
        "not_before",
    )

    @property
    def is_scheduled(self) -> bool:
        """Whether it may have to wait."""
        return not (self.not_before is None and self.not_after is None)

    @field_validator("details")
    @classmethod
    def _details_alone(cls, details: dict[str, Any]) -> dict[str, Any]:
        if taken := [name for name in RESERVED if name in details]:
            raise ValueError(f"{', '.join(taken)}: not a detail, the request has a field for it")
        return details


class KnownCall(BaseModel):
    """A call: its status, and its outcome once it is over. Numbers are masked as in its record."""

    id: str = Field(
        description="ID of the call: this API's, or LiveKit's job ID if others placed it"
    )
    persona: str | None = Field(
        description="persona that took the call first; null until one is chosen"
    )
    direction: Direction = Field(
        "outbound", description="inbound if the far end placed the call, outbound if the host did"
    )
    number: str | None = Field(None, description="number of the far end, unverified")
    our_number: str | None = Field(
        None, description="dialled number, or caller ID of an outbound call, if known"
    )
    room: str = Field(description="LiveKit room, as in the call's record and webhook")
    reference: str | None = Field(None, description="reference of the request, as in the record")
    idempotency_key: str | None = Field(
        None, description="idempotency key of the request, as in the record; null if it had none"
    )
    status: Status = Field("queued", description="status of the call")
    outcome: Outcome | None = Field(None, description="outcome of the call; null until it is over")
    reason: str | None = Field(None, description="reason of the outcome")
    sip_status: int | None = Field(None, description="SIP status of a failed dial, such as 486")
    retryable: bool | None = Field(None, description="whether a retry may succeed")
    retry_at: datetime | None = Field(
        None, description="time from which the gate will allow a call that it has blocked"
    )
    results: dict[str, Any] = Field(
        {},
        description="results of the call, as in its record: soon after it is over, if it was this "
        "host's",
    )
    not_before: datetime | None = Field(
        None, description="time from which a scheduled call may be placed"
    )
    not_after: datetime | None = Field(
        None, description="time from which a scheduled call is not placed any more"
    )
    due_at: datetime | None = Field(
        None, description="time at which a scheduled call is to be placed, as the gate allows, UTC"
    )
    asked_at: datetime | None = Field(
        None, description="time of the request, UTC; null if the call is not from this API"
    )
    dispatched_at: datetime | None = Field(
        None, description="time when the host took the call, UTC; null if it is from this API"
    )
    dialing_at: datetime | None = Field(None, description="time when dialling began, UTC")
    ringing_at: datetime | None = Field(None, description="time when ringing began, UTC")
    answered_at: datetime | None = Field(None, description="time of the answer, UTC")
    ended_at: datetime | None = Field(None, description="time of the end, UTC")


class AskedCall(KnownCall):
    """A call that a client of this API has asked for."""

    persona: str = Field(description="persona that places the call")
    asked_at: datetime = Field(description="time of the request, UTC")


class CallPage(BaseModel):
    """Calls, newest first, and where to go on."""

    calls: list[KnownCall] = Field(description="calls, by when they were asked for or dispatched")
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null if there are no more calls"
    )


class Problem(BaseModel):
    """The error of a rejected request."""

    detail: str = Field(description="message for a person")


class Refusal(Problem):
    """The refusal of a number by the gate."""

    rule: str = Field(description="rule that blocks the number")
    retry_at: datetime | None = Field(
        description="time from which hours, attempts and the persona's budget allow the number, "
        "with the offset of the callee's zone; null for other rules, and if it is unknown"
    )


class Fault(BaseModel):
    """One validation error of a request."""

    loc: list[str | int] = Field(description="location of the error, such as body, details, time")
    msg: str = Field(description="message for a person")
    type: str = Field(description="type of the error, for a program")

    @field_validator("msg", "type")
    @classmethod
    def _short(cls, text: str) -> str:
        return writable(text)

    @field_validator("loc")
    @classmethod
    def _writable(cls, loc: list[str | int]) -> list[str | int]:
        return [part if isinstance(part, int) else writable(part) for part in loc]


class Faults(BaseModel):
    """The validation errors of a request."""

    detail: list[Fault]


def writable(text: str) -> str:
    """Return text that UTF-8 can encode, shortened to LONGEST_TEXT."""
    short = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."
    return short.encode(errors="replace").decode()
