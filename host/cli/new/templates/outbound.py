"""$title: phones a customer about an appointment."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from host import Call, LeaveMessage, as_data, hookimpl

COMPANY = "$company"


class Details(BaseModel):
    """What a call needs to know. `host call` and the HTTP API check it before they dial."""

    customer: str = Field(max_length=80)
    time: str = Field(max_length=80)


@hookimpl
def parse_metadata(metadata: Mapping[str, Any]) -> Details:
    return Details.model_validate(metadata)


@hookimpl
def instructions(call: Call) -> str:
    return (
        f"You phone a customer of {COMPANY}. "
        "Find out whether they can come to their appointment. "
        "Reply in one or two short sentences, and end the call when it is settled. "
        f"Customer and time: {as_data(call.details)}"
    )


@hookimpl
def greeting(call: Call) -> str:
    customer, time = call.details.customer, call.details.time
    return f"Hello {customer}, this is {COMPANY}. Your appointment is at {time}. Can you come?"


@hookimpl
def voicemail_policy(call: Call) -> LeaveMessage:
    time = call.details.time
    return LeaveMessage(f"Hello, this is {COMPANY}. Your appointment is at {time}. Goodbye.")
