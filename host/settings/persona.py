"""What one deployment says of one persona, and of all of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_settings import NoDecode

from host.settings.calling import (
    CallingHours,
    Countries,
    DeniedNumbers,
    Key,
    NumberPatterns,
    NumberTypes,
    is_sip,
    parted,
    written_as,
)
from host.settings.plugins import WithPlugins
from host.settings.words import Words

Seconds = Annotated[float, Field(gt=0)]
RingingSeconds = Annotated[float, Field(gt=0, le=78)]
Model = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    written_as(
        r"[^/\s:]+(/\S+)?", 'a provider and its model, such as "deepgram/nova-3" or "deepgram"'
    ),
]
"""A model as LiveKit Inference writes it: provider/model, and a voice after a colon.

A provider alone is the model of its plugin's settings."""
Models = Annotated[tuple[Model, ...], NoDecode, BeforeValidator(parted)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    written_as(r"[A-Za-z_][A-Za-z0-9_]*", "a variable's name: letters, digits and _"),
]
"""An environment variable's name."""
Names = Annotated[tuple[Name, ...], NoDecode, BeforeValidator(parted)]


class TransferTarget(BaseModel):
    """Whom a call may be handed to; in host.toml its number alone, or a table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: str = Field(description="number or SIP address")
    warm: bool = Field(False, description="ask the colleague before the caller is connected")
    ringing_timeout: RingingSeconds = Field(20, description="seconds that a colleague is rung")
    show_caller: bool = Field(
        False, description="ring a colleague with the caller's number, where the carrier lets us"
    )

    @model_validator(mode="before")
    @classmethod
    def _number_alone(cls, given: Any) -> Any:
        return {"number": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _can_be_dialled(self) -> Self:
        if self.warm and is_sip(self.number):
            raise ValueError("a warm transfer rings a number, over the trunk, and no SIP address")
        return self


class Shared(WithPlugins):
    """What may be set for every persona, and again for one of them."""

    trunk: str | None = Field(
        None,
        validation_alias=AliasChoices("HOST_TRUNK", "LIVEKIT_SIP_OUTBOUND_TRUNK", "trunk"),
        description="LiveKit outbound trunk (ST_...)",
    )
    caller_id: str | None = Field(None, description="number that outbound calls show")
    countries: Countries = Field(
        (), description="countries that may be called; empty: those of the host's own numbers"
    )
    number_types: NumberTypes = Field(
        ("fixed", "mobile", "toll_free", "voip"), description="types of numbers that may be called"
    )
    allow_numbers: NumberPatterns = Field(
        (), description="numbers, or beginnings with *, whatever their country and type"
    )
    deny_numbers: DeniedNumbers = Field(
        (), description="numbers, or beginnings with *, that are never called"
    )
    calling_hours: CallingHours = Field(
        "08:00-21:00", description="when people are called, in their own time; 00:00-24:00: always"
    )
    max_attempts_a_day: int = Field(
        3, ge=0, description="calls to one number on one of its days; 0: no limit"
    )
    keys_may_dial: bool = Field(
        False, description="press keys even where they could dial a number that may not be called"
    )
    opt_out_key: Key = Field(
        "", description="the key that puts the far end on the do-not-call list"
    )
    ringing_timeout: RingingSeconds = Field(30, description="seconds an outbound call may ring")
    max_duration: Seconds = Field(900, description="seconds a call may last")
    duration_warning: float = Field(
        30, ge=0, description="seconds before that end at which the caller is told; 0: never"
    )
    silence_timeout: float = Field(
        12,
        ge=0,
        description="seconds of silence before each of two prompts and the goodbye; 0: no limit",
    )
    max_tool_calls: int = Field(
        8, ge=1, description="tool calls in a row before the model must answer"
    )
    max_same_tool: int = Field(
        3, ge=1, description="calls in a row of one tool with the same arguments"
    )
    take_over: bool = Field(
        True, description="another process goes on with a call whose process died"
    )
    stt: Model = Field("deepgram", description="speech-to-text: provider/model, or a provider")
    llm: Model = Field("openai", description="language model: provider/model, or a provider")
    tts: Model = Field(
        "cartesia", description="text-to-speech: provider/model:voice, or less of it"
    )
    stt_fallbacks: Models = Field((), description="STTs to use when the first fails, in order")
    llm_fallbacks: Models = Field((), description="LLMs to use when the first fails, in order")
    tts_fallbacks: Models = Field((), description="TTSs to use when the first fails, in order")
    language: str = Field("en", description="language that is spoken, as BCP 47: en, de, pt-BR")
    turn_detection: Literal["model", "vad", "stt"] = Field(
        "model", description="what detects the end of a turn: LiveKit's model, silence, or the STT"
    )
    filler_after: float = Field(
        2, ge=0, description="seconds without a word of ours before the filler; 0: never"
    )
    dead_air_limit: float = Field(
        8, ge=0, description="seconds without a word of ours before the apology; 0: no limit"
    )
    transfer_on_failure: str | None = Field(
        None, description="the transfer target that gets calls whose providers fail"
    )
    mask_digits: bool = Field(
        False, description="every pressed key is private: hidden also where a tool repeats it"
    )
    record_numbers: bool = Field(False, description="telephone numbers stand whole in records")
    record_digits: bool = Field(
        False, description="pressed keys, and digits that were said, stand in records"
    )
    record_transcripts: bool = Field(
        True, description="records hold what was said, and what tools were given and told"
    )
    disclosure: str = Field("", description="said before the greeting, as that an AI speaks")
    record: bool = Field(False, description="record calls, after recording_notice was heard")
    recording_notice: str = Field(
        "This call is recorded.", description="said before the greeting of a recorded call"
    )
    transfers: dict[str, TransferTarget] = Field(
        default_factory=dict, description="whom a call may be handed to, by name"
    )
    words: Words = Field(default_factory=Words, description="what the host itself says")


class PersonaSettings(Shared):
    """What one deployment says of one persona: a `[personas.NAME]` table of host.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    numbers: tuple[str, ...] = Field((), description="numbers that this persona answers")
    prefixes: tuple[str, ...] = Field((), description="more room prefixes, beside its name")
    max_calls: int | None = Field(None, ge=1, description="its calls at once")
    max_calls_a_day: int | None = Field(None, ge=1, description="its calls a day, by local time")
    max_minutes_a_day: float | None = Field(
        None, gt=0, description="its minutes of talk a day, by local time"
    )
