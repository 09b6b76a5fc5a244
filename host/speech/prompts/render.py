"""Makes the sounds of all personas, each in its own voice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from livekit.agents.utils import http_context

from host import registry
from host.call.live import LiveCall
from host.settings import Settings
from host.speech.prompts.cache import PromptCache, wanted
from host.speech.prompts.sound import synthesise, voice_of, wav_of

TTS_LIMIT = 20.0
"""Seconds that a voice may take for one sentence: nobody waits for it."""
OPTIONS = ("voice", "voice_id", "language", "speed", "emotion")
"""What else than its model makes a voice, by the names that LiveKit's plugins have for it."""


async def make_sounds(settings: Settings) -> list[str]:
    """Make what is not made yet. Returns what could not be made and why, a line each."""
    loaded, cache = registry.load(settings), PromptCache(settings.state_dir)
    missing: list[str] = []
    down: set[str] = set()
    async with http_context.open():
        for name in _own_voices_last(loaded):
            call = LiveCall(settings, persona=name, hooks=loaded.view(name))
            try:
                voice = voice_of(call)
                if voice is not None:
                    await _make_for(call, voice, cache, down)
            except Exception as error:
                missing.append(f"{name}: {error or type(error).__name__}")
    cache.tidy(list(loaded.personas))
    return missing


async def _make_for(call: LiveCall, voice: Any, cache: PromptCache, down: set[str]) -> None:
    """Make one persona's sounds. `down` are the voices that have failed before."""
    key, words = voice_key(voice), wanted(call.persona_settings.words)
    try:
        for text in words:
            if not cache.has(key, text):
                if key in down:
                    raise ConnectionError("the TTS failed")
                cache.put(key, text, wav_of(await synthesise(voice, text, TTS_LIMIT)))
    except Exception:
        down.add(key)
        raise
    finally:
        cache.note(call.persona, key, words)
        await voice.aclose()


def voice_key(voice: Any) -> str:
    """Tell voices apart: provider, model, and what LiveKit's plugins keep of the rest."""
    # Private: LiveKit has no public name for a voice's id. Without it, a voice is its model.
    options = getattr(voice, "_opts", None)
    more = [str(getattr(options, name, "")) for name in OPTIONS]
    return "/".join((voice.provider, voice.model, *more))


def _own_voices_last(loaded: registry.Registry) -> Iterable[str]:
    """Order personas: an own `tts` hook that never returns keeps no other from its sounds."""
    own = {who.removeprefix("persona ") for who in loaded.views.who_has("tts")}
    return sorted(loaded.personas, key=lambda name: name in own)
