"""Sentences that the host itself says, for a deployment to word in its own language."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Words(BaseModel):
    """The host's own sentences: the `[words]` table of host.toml, or one persona's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    apology: str = Field(
        "I am sorry, something went wrong on our side. Please call again later.",
        description="before an error ends the call",
    )
    apology_transfer: str = Field(
        "I am sorry, something went wrong on our side. I am connecting you to somebody.",
        description="before an error transfers the call to transfer_on_failure",
    )
    filler: str = Field(
        "One moment please.", description="after filler_after seconds without a reply"
    )
    not_heard: str = Field(
        "I am sorry, I did not get that. Could you say it again?",
        description="when the STT returns no text for the caller's speech",
    )
    unclear_offer: str = Field(
        "I am sorry, I can't understand you. To talk to somebody else, press 1.",
        description="when the STT returns no text a third time, if there is a transfer target",
    )
    unclear_goodbye: str = Field(
        "I am sorry, I can't understand you, so I am hanging up now. Goodbye.",
        description="before the host hangs up on a caller whose speech the STT can't transcribe",
    )
    backchannels: tuple[str, ...] = Field(
        (),
        description='further replies that do not interrupt the persona, as "okay" does not',
    )
    taken_over: str = Field(
        "I am sorry, we were cut off for a moment. I am here again, please go on.",
        description="after another process has taken over the call",
    )
    stopped: str = Field(
        "I am sorry, I have to end this call now. Please call again later. Goodbye.",
        description="before the host's shutdown ends the call",
    )
    silent: str = Field(
        "Are you still there?", description="when the caller is silent for silence_timeout"
    )
    still_silent: str = Field(
        "I can't hear you. Please say something, or I will hang up.",
        description="when the caller is silent for silence_timeout a second time",
    )
    silent_goodbye: str = Field(
        "I still can't hear you, so I am hanging up now. Goodbye.",
        description="before the host hangs up on a silent caller",
    )
    hold_goodbye: str = Field(
        "I can't wait any longer, so I am hanging up now. Goodbye.",
        description="before the host hangs up after hold_timeout",
    )
    time_nearly_up: str = Field(
        "I am sorry, but our time is nearly up.",
        description="duration_warning seconds before max_duration",
    )
    time_up: str = Field(
        "I am sorry, our time is up. Goodbye.", description="when the call reaches max_duration"
    )
    stuck: str = Field(
        "I am sorry, I can't get any further with this. Please call again later.",
        description="before the call ends because the model exceeds its tool limits",
    )
    transfer: str = Field(
        "One moment please, I am connecting you to {name}.",
        description="announcement of a transfer, to the caller",
    )
    transfer_failed: str = Field(
        "I am sorry, {name} can't take your call right now.",
        description="when a transfer fails, to the caller; the conversation continues",
    )
    consult: str = Field(
        "Hello, I have a caller on the line for {name}. {summary} "
        "To take the call, say yes or press 1. Otherwise say no or press 2.",
        description="question of a warm transfer, to the colleague",
    )
    consult_accepted: str = Field(
        "Thank you. I will ring you again at once, with the caller on the line.",
        description="to a colleague who accepts the call",
    )
    consult_declined: str = Field(
        "All right, I will tell the caller. Goodbye.",
        description="to a colleague who declines the call",
    )
    consult_yes: tuple[str, ...] = Field(
        (
            *("yes", "yeah", "yep", "sure", "okay", "ok", "of course", "certainly", "go ahead"),
            *("no problem", "put them through"),
        ),
        description="replies by which a colleague accepts the call",
    )
    consult_no: tuple[str, ...] = Field(
        ("no", "nope", "not", "don't", "can't", "cannot", "busy", "later"),
        description="replies by which a colleague declines it; a reply with both counts as neither",
    )
    opted_out: str = Field(
        "All right, we will not call this number again. Goodbye.",
        description="after opt_out_key is pressed, before the call ends",
    )
    wrong_key: str = Field(
        "Sorry, that is not one of the choices.", description="after a key that is not in the menu"
    )
    no_key: str = Field("Sorry, I did not get that.", description="when no key is pressed in time")
    anybody: str = Field(
        "Hello? Is somebody there?",
        description="when it is unclear whether a person or a machine answered",
    )
