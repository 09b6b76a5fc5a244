"""What goes over the API's wire: a wanted call, how it stands, and what is wrong with a request."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from host.base.e164 import PATTERN
from host.records.outcome import Outcome

RESERVED = ("persona", "phone_number", "idempotency_key")
"""What the metadata of a dispatch has beside the details."""
LONGEST_TEXT = 300
"""Characters of what is told of a fault."""

Key = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
"""An idempotency key: printable ASCII without spaces, so that it fits into a header."""
Status = Literal["queued", "dialing", "ringing", "active", "over"]


class WantedCall(BaseModel):
    """A call that is asked for."""

    model_config = ConfigDict(extra="forbid")

    persona: str = Field(max_length=100, description="who calls")
    number: str = Field(
        pattern=f"^{PATTERN}$",
        description="whom to call, in E.164",
        examples=["+15552220001"],
    )
    details: dict[str, Any] = Field(
        default_factory=dict,
        description="what the persona needs of this call, checked by its parse_metadata",
        json_schema_extra={"propertyNames": {"not": {"enum": list(RESERVED)}}},
    )
    idempotency_key: Key | None = Field(
        None,
        description="names this request: one call is made for it, however often it is sent; "
        "the header Idempotency-Key says the same",
    )

    @field_validator("details")
    @classmethod
    def _details_alone(cls, details: dict[str, Any]) -> dict[str, Any]:
        if taken := [name for name in RESERVED if name in details]:
            raise ValueError(f"{', '.join(taken)}: not a detail, the request has a field for it")
        return details


class AskedCall(BaseModel):
    """A call that was asked for: how it stands, or how it went."""

    id: str = Field(description="names the call in this API")
    persona: str = Field(description="who calls")
    room: str = Field(description="LiveKit's room, as the call's record and webhook name it")
    status: Status = Field("queued", description="how it stands")
    outcome: Outcome | None = Field(None, description="how it ended; null while it is not over")
    reason: str | None = Field(None, description="why it ended, in plain words")
    sip_status: int | None = Field(None, description="SIP status of a dial that failed, like 486")
    retryable: bool | None = Field(None, description="whether the same call may go better later")
    asked_at: datetime = Field(description="when it was asked for, UTC")
    dialing_at: datetime | None = Field(None, description="when it was dialled, UTC")
    ringing_at: datetime | None = Field(None, description="when it rang, UTC")
    answered_at: datetime | None = Field(None, description="when somebody picked up, UTC")
    ended_at: datetime | None = Field(None, description="when it was over, UTC")


class Problem(BaseModel):
    """Why a request was not done."""

    detail: str = Field(description="in plain words")


class Refusal(Problem):
    """Why a number must not be called."""

    rule: str = Field(description="the rule that refuses the number")


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    loc: list[str | int] = Field(description="where, as body, details, time")
    msg: str = Field(description="what is wrong, in plain words")
    type: str = Field(description="what is wrong, for a program")

    @field_validator("msg", "type")
    @classmethod
    def _short(cls, text: str) -> str:
        return writable(text)

    @field_validator("loc")
    @classmethod
    def _writable(cls, loc: list[str | int]) -> list[str | int]:
        return [part if isinstance(part, int) else writable(part) for part in loc]


class Faults(BaseModel):
    """All that is wrong with a request."""

    detail: list[Fault]


def writable(text: str) -> str:
    """Make of any text one that can be written as UTF-8 and is not long."""
    short = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."
    return short.encode(errors="replace").decode()
