"""Settings of a deployment for one persona, and for all personas."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AliasChoices,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_settings import NoDecode

from host.settings.calling import (
    CallingHours,
    Countries,
    DeniedNumbers,
    Key,
    NumberPatterns,
    NumberTypes,
    parted,
    written_as,
)
from host.settings.mcp import McpServers
from host.settings.plugins import WithPlugins
from host.settings.transfer import RingingSeconds, TransferTarget
from host.settings.words import Words

Seconds = Annotated[float, Field(gt=0)]
Model = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    written_as(
        r"[^/\s:]+(/\S+)?", 'a provider and its model, such as "deepgram/nova-3" or "deepgram"'
    ),
]
"""A model in the notation of LiveKit Inference: provider/model, with a voice after a colon.

A provider alone stands for the model in its plugin's settings."""
Models = Annotated[tuple[Model, ...], NoDecode, BeforeValidator(parted)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    written_as(r"[A-Za-z_][A-Za-z0-9_]*", "a variable's name: letters, digits and _"),
]
"""An environment variable's name."""
Names = Annotated[tuple[Name, ...], NoDecode, BeforeValidator(parted)]


OwnNumber = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    written_as(
        r"(?=(\D*\d){2})[+(0-9][0-9 ()./-]{1,30}",
        "a number such as +15550001111, or an extension such as 1001",
    ),
]
"""A number that a persona answers, as people write it: see host.base.e164.canonical."""


class Shared(WithPlugins):
    """Settings for all personas, which a persona may override."""

    trunk: str | None = Field(
        None,
        validation_alias=AliasChoices("HOST_TRUNK", "LIVEKIT_SIP_OUTBOUND_TRUNK", "trunk"),
        description="ID of the LiveKit outbound trunk (ST_...)",
    )
    caller_id: str | None = Field(
        None, description="number that outbound calls show as their caller ID"
    )
    countries: Countries = Field(
        (),
        description="countries that may be called; empty: the countries of the host's own numbers",
    )
    number_types: NumberTypes = Field(
        ("fixed", "mobile", "toll_free", "voip"), description="number types that may be called"
    )
    allow_numbers: NumberPatterns = Field(
        (),
        description="numbers, or prefixes with *, allowed whatever their country and type",
    )
    deny_numbers: DeniedNumbers = Field(
        (), description="numbers, or prefixes with *, that are never called"
    )
    calling_hours: CallingHours = Field(
        "08:00-21:00",
        description="hours for outbound calls, in the callee's local time; 00:00-24:00: always",
    )
    max_attempts_a_day: int = Field(
        3, ge=0, description="calls to one number per day, by the callee's local time; 0: no limit"
    )
    keys_may_dial: bool = Field(
        False, description="press keys even if they could dial a number that the gate blocks"
    )
    opt_out_key: Key = Field(
        "", description="key that puts the far end's number on the do-not-call list"
    )
    ringing_timeout: RingingSeconds = Field(30, description="seconds an outbound call may ring")
    max_duration: Seconds = Field(900, description="maximum length of a call, in seconds")
    duration_warning: float = Field(
        30,
        ge=0,
        description="seconds before max_duration at which the caller is warned; 0: no warning",
    )
    silence_timeout: float = Field(
        12,
        ge=0,
        description="seconds of silence before each of two prompts and the goodbye; 0: no limit",
    )
    hold_timeout: float = Field(
        300,
        ge=0,
        description="seconds on hold before the persona says goodbye; 0: no limit",
    )
    max_tool_calls: int = Field(
        8, ge=1, description="consecutive tool calls before the model must answer"
    )
    max_same_tool: int = Field(
        3, ge=1, description="consecutive calls of one tool with the same arguments"
    )
    max_handovers: int = Field(
        5, ge=0, description="how often one call may be handed over to another persona"
    )
    take_over: bool = Field(
        True, description="let another process take over a call whose process died"
    )
    conclusions_timeout: float = Field(
        10, gt=0, le=12, description="seconds that the LLM may take for conclusions after a call"
    )
    stt: Model = Field("deepgram", description="STT, as provider/model or provider")
    llm: Model = Field("openai", description="LLM, as provider/model or provider")
    tts: Model = Field(
        "cartesia", description="TTS, as provider/model:voice, provider/model or provider"
    )
    stt_fallbacks: Models = Field((), description="STTs to use when `stt` fails, in order")
    llm_fallbacks: Models = Field((), description="LLMs to use when `llm` fails, in order")
    tts_fallbacks: Models = Field((), description="TTSs to use when `tts` fails, in order")
    mcp: McpServers = Field(
        (), repr=False, description="MCP servers whose tools the LLM may call, by their addresses"
    )
    language: str = Field("en", description="spoken language, as a BCP 47 tag: en, de, pt-BR")
    turn_detection: Literal["model", "vad", "stt"] = Field(
        "model",
        description="end-of-turn detection: LiveKit's model, silence (vad), or the STT",
    )
    ignore_backchannels: bool = Field(
        True,
        description='let the persona speak on when the caller only says "okay" or "I see"',
    )
    filler_after: float = Field(
        2,
        ge=0,
        description="seconds the caller waits for a reply before words.filler; 0: no filler",
    )
    dead_air_limit: float = Field(
        8,
        ge=0,
        description="seconds the caller waits for a reply before words.apology; 0: no limit",
    )
    transfer_on_failure: str | None = Field(
        None, description="transfer target for calls whose providers fail"
    )
    mask_digits: bool = Field(
        False,
        description="mask every pressed key, even with record_digits and where a tool repeats it",
    )
    record_numbers: bool = Field(False, description="write telephone numbers into records unmasked")
    record_digits: bool = Field(
        False, description="write pressed keys and spoken digits into records unmasked"
    )
    record_transcripts: bool = Field(
        True, description="write transcripts, and the arguments and results of tools, into records"
    )
    render_ahead: bool = Field(
        True,
        description="render before any call what every call says alike: greeting, `disclosure`, "
        "`recording_notice`, `[words]`; false: only what is needed when a TTS fails",
    )
    disclosure: str = Field("", description="AI disclosure, spoken before the greeting")
    record: bool = Field(False, description="record calls, starting after recording_notice")
    recording_notice: str = Field(
        "This call is recorded.",
        description="recording notice, spoken before the greeting of a recorded call",
    )
    discard_recording: bool = Field(
        False,
        description="delete what was recorded of a call whose caller refuses the recording",
    )
    transfers: dict[str, TransferTarget] = Field(
        default_factory=dict, description="transfer targets, by name"
    )
    words: Words = Field(default_factory=Words, description="sentences that the host itself says")


class PersonaSettings(Shared):
    """The settings of one persona: a `[personas.NAME]` table of host.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    numbers: tuple[OwnNumber, ...] = Field(
        (), description="numbers whose inbound calls the persona answers"
    )
    prefixes: tuple[str, ...] = Field(
        (), description="room prefixes, in addition to the persona's name"
    )
    hands_over_to: tuple[str, ...] = Field(
        (), description="personas to which this one may hand a call over"
    )
    max_calls: int | None = Field(None, ge=1, description="maximum concurrent calls")
    max_calls_a_day: int | None = Field(
        None, ge=1, description="maximum calls per day, by the host's local time"
    )
    max_minutes_a_day: float | None = Field(
        None, gt=0, description="maximum minutes of calls per day, by the host's local time"
    )
