"""The host's own answers: a plugin like any other, registered first and so asked last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from host.call.answers import HangUp, Identify
from host.call.hooks import hookimpl

if TYPE_CHECKING:
    from host.call.call import Call


@hookimpl
def parse_metadata(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep the metadata as it is: a persona that asks for nothing takes anything."""
    return metadata


@hookimpl
def fallback(call: Call, kind: Literal["stt", "llm", "tts"], model: str) -> Any:
    """Take from LiveKit Inference, which LiveKit Cloud has, what no plugin makes."""
    from livekit.agents import NOT_GIVEN, inference  # here: LiveKit is imported late
    from livekit.agents.utils.misc import is_cloud

    settings = call.settings
    if not is_cloud(settings.livekit_url):
        return None
    keys: dict[str, Any] = {
        "api_key": settings.livekit_api_key.get_secret_value(),
        "api_secret": settings.livekit_api_secret.get_secret_value(),
    }
    if kind == "llm":
        return inference.LLM(model, **keys)
    name, _, more = model.partition(":")
    if kind == "stt":
        return inference.STT(model=name, language=more or settings.language, **keys)
    return inference.TTS(model=name, voice=more or NOT_GIVEN, language=settings.language, **keys)


@hookimpl
def session_options(call: Call) -> Mapping[str, Any]:
    """Who says that a turn is over; interruptions without LiveKit's cloud."""
    # Whoever speaks into words that can't be interrupted is heard all the same.
    interruption = {"mode": "vad", "discard_audio_if_uninterruptible": False}
    handling: dict[str, Any] = {"interruption": interruption}
    if call.settings.turn_detection != "model":
        handling["turn_detection"] = call.settings.turn_detection
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
