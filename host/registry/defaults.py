"""The host's own hook implementations: a plugin registered first, so called last."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from host.call.answers import HangUp, Identify
from host.call.hooks import hookimpl

if TYPE_CHECKING:
    from host.call.call import Call


@hookimpl
def parse_metadata(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the metadata unchanged."""
    return metadata


@hookimpl
def stt(call: Call) -> str:
    """Return the STT of the settings."""
    return call.persona_settings.stt


@hookimpl
def llm(call: Call) -> str:
    """Return the LLM of the settings."""
    return call.persona_settings.llm


@hookimpl
def tts(call: Call) -> str:
    """Return the TTS of the settings."""
    return call.persona_settings.tts


@hookimpl
def session_options(call: Call) -> Mapping[str, Any]:
    """Return turn detection of the settings, interruptions by VAD, and telephony defaults."""
    # "vad" needs no LiveKit Cloud. Speech during an uninterruptible utterance is transcribed too.
    interruption = {"mode": "vad", "discard_audio_if_uninterruptible": False}
    handling: dict[str, Any] = {"interruption": interruption}
    if call.persona_settings.turn_detection != "model":
        handling["turn_detection"] = call.persona_settings.turn_detection
    options: dict[str, Any] = {
        "turn_handling": handling,
        # After this many steps LiveKit requests a reply without tools; see host/runner/limits.py.
        "max_tool_steps": call.persona_settings.max_tool_calls,
        # Seconds to wait for the transcript of the last words when the session closes.
        "session_close_transcript_timeout": 1.0,
    }
    if call.telephone:
        # The network cancels echo; the warm-up would only ignore the caller for 3 s.
        options["aec_warmup_duration"] = None
    return options


@hookimpl
def voicemail_policy(call: Call) -> HangUp:
    """Hang up: the default for personas without a message."""
    return HangUp()


@hookimpl
def screening_policy(call: Call) -> Identify:
    """Announce the call to the screener and wait for a person."""
    return Identify()


@hookimpl
async def resumed(call: Call) -> None:
    """Run `call_greeted` again, of the persona and the plugins that have no `resumed`."""
    greeted = call.hooks.of_those_without("resumed", "call_greeted")
    await asyncio.gather(*greeted(call=call))
