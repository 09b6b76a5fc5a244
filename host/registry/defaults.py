"""The host's own answers: a plugin like any other, registered first and so asked last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from host.call.answers import HangUp, Identify
from host.call.hooks import hookimpl

if TYPE_CHECKING:
    from host.call.call import Call


@hookimpl
def parse_metadata(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep the metadata as it is: a persona that asks for nothing takes anything."""
    return metadata


@hookimpl
def stt(call: Call) -> str:
    """Name the STT of the settings."""
    return call.persona_settings.stt


@hookimpl
def llm(call: Call) -> str:
    """Name the LLM of the settings."""
    return call.persona_settings.llm


@hookimpl
def tts(call: Call) -> str:
    """Name the TTS of the settings."""
    return call.persona_settings.tts


@hookimpl
def session_options(call: Call) -> Mapping[str, Any]:
    """Who says that a turn is over; interruptions without LiveKit's cloud."""
    # Whoever speaks into words that can't be interrupted is heard all the same.
    interruption = {"mode": "vad", "discard_audio_if_uninterruptible": False}
    handling: dict[str, Any] = {"interruption": interruption}
    if call.persona_settings.turn_detection != "model":
        handling["turn_detection"] = call.persona_settings.turn_detection
    options: dict[str, Any] = {
        "turn_handling": handling,
        # LiveKit asks for an answer without tools after so many: see also host/runner/limits.py.
        "max_tool_steps": call.persona_settings.max_tool_calls,
        # Seconds that a finished call waits for the transcript of its last words.
        "session_close_transcript_timeout": 1.0,
    }
    if call.telephone:
        # The network cancels its own echo; LiveKit's warm-up would only deafen us for 3 s.
        options["aec_warmup_duration"] = None
    return options


@hookimpl
def voicemail_policy(call: Call) -> HangUp:
    """Hang up: a persona that has nothing to leave leaves nothing."""
    return HangUp()


@hookimpl
def screening_policy(call: Call) -> Identify:
    """Say who is calling: a person decides then."""
    return Identify()
