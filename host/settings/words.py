"""What the host itself says, so that a deployment can say it in its own language and manner."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Words(BaseModel):
    """The host's own sentences: the `[words]` table of host.toml, or one persona's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    apology: str = Field(
        "I am sorry, something went wrong on our side. Please call again later.",
        description="something broke, and the call ends",
    )
    apology_transfer: str = Field(
        "I am sorry, something went wrong on our side. I am connecting you to somebody.",
        description="something broke, and transfer_on_failure gets the call",
    )
    filler: str = Field("One moment please.", description="the answer takes long")
    not_heard: str = Field(
        "I am sorry, I did not get that. Could you say it again?",
        description="the STT made no words of what was said",
    )
    taken_over: str = Field(
        "I am sorry, we were cut off for a moment. I am here again, please go on.",
        description="another process has taken the call over",
    )
    stopped: str = Field(
        "I am sorry, I have to end this call now. Please call again later. Goodbye.",
        description="the host is being stopped, and the call ends",
    )
    silent: str = Field("Are you still there?", description="the caller says nothing")
    still_silent: str = Field(
        "I can't hear you. Please say something, or I will hang up.",
        description="the caller still says nothing",
    )
    silent_goodbye: str = Field(
        "I still can't hear you, so I am hanging up now. Goodbye.",
        description="the caller says nothing at all, and the call ends",
    )
    time_nearly_up: str = Field(
        "I am sorry, but our time is nearly up.", description="max_duration comes near"
    )
    time_up: str = Field(
        "I am sorry, our time is up. Goodbye.", description="max_duration is reached"
    )
    stuck: str = Field(
        "I am sorry, I can't get any further with this. Please call again later.",
        description="the model used tools over and over, and the call ends",
    )
    transfer: str = Field(
        "One moment please, I am connecting you to {name}.", description="before a transfer"
    )
    transfer_failed: str = Field(
        "I am sorry, {name} can't take your call right now.",
        description="nobody took a transfer; the conversation goes on",
    )
    consult: str = Field(
        "Hello, I have a caller on the line for {name}. {summary} "
        "To take the call, say yes or press 1. Otherwise say no or press 2.",
        description="to the colleague of a warm transfer",
    )
    consult_accepted: str = Field(
        "Thank you. I will ring you again at once, with the caller on the line.",
        description="to a colleague who takes the call",
    )
    consult_declined: str = Field(
        "All right, I will tell the caller. Goodbye.", description="to a colleague who does not"
    )
    consult_yes: tuple[str, ...] = Field(
        (
            *("yes", "yeah", "yep", "sure", "okay", "ok", "of course", "certainly", "go ahead"),
            *("no problem", "put them through"),
        ),
        description="what a colleague says who takes the call",
    )
    consult_no: tuple[str, ...] = Field(
        ("no", "nope", "not", "don't", "can't", "cannot", "busy", "later"),
        description="what a colleague says who does not; both in one reply count as neither",
    )
    opted_out: str = Field(
        "All right, we will not call this number again. Goodbye.",
        description="somebody has pressed opt_out_key, and the call ends",
    )
    wrong_key: str = Field("Sorry, that is not one of the choices.", description="in a menu")
    no_key: str = Field("Sorry, I did not get that.", description="no key was pressed in time")
    anybody: str = Field(
        "Hello? Is somebody there?",
        description="to what may be a machine or a person: a person answers",
    )
