"""Renders the prompts of all personas, each with its own TTS voice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from livekit.agents.utils import http_context

from host import registry
from host.call.live import LiveCall
from host.settings import Settings
from host.speech.prompts.cache import PromptCache, wanted
from host.speech.prompts.sound import synthesise, tts_of, wav_of

TTS_LIMIT = 20.0
"""Seconds that a TTS may take for one sentence; no caller is waiting."""
OPTIONS = ("voice", "voice_id", "language", "speed", "emotion")
"""Attributes of LiveKit's TTS options that change the sound, besides the model."""


async def make_sounds(settings: Settings) -> list[str]:
    """Render missing prompts. Returns failures, one line for each persona."""
    loaded, cache = registry.load(settings), PromptCache(settings.state_dir)
    missing: list[str] = []
    down: set[str] = set()
    async with http_context.open():
        for name in _own_tts_last(loaded):
            call = LiveCall(settings, persona=name, hooks=loaded.view(name))
            try:
                tts = tts_of(call)
                if tts is not None:
                    await _make_for(call, tts, cache, down)
            except Exception as error:
                missing.append(f"{name}: {error or type(error).__name__}")
    cache.tidy(list(loaded.personas))
    return missing


async def _make_for(call: LiveCall, tts: Any, cache: PromptCache, down: set[str]) -> None:
    """Render one persona's prompts. `down` holds the keys of TTS voices that have failed."""
    key, words = tts_key(tts), wanted(call.persona_settings.words)
    try:
        for text in words:
            if not cache.has(key, text):
                if key in down:
                    raise ConnectionError("the TTS failed")
                cache.put(key, text, wav_of(await synthesise(tts, text, TTS_LIMIT)))
    except Exception:
        down.add(key)
        raise
    finally:
        cache.note(call.persona, key, words)
        await tts.aclose()


def tts_key(tts: Any) -> str:
    """Return a key for a TTS voice: provider, model and its LiveKit options."""
    # Private: LiveKit has no public attribute for the voice id. Without it the key is the model's.
    options = getattr(tts, "_opts", None)
    more = [str(getattr(options, name, "")) for name in OPTIONS]
    return "/".join((tts.provider, tts.model, *more))


def _own_tts_last(loaded: registry.Registry) -> Iterable[str]:
    """Sort personas with a `tts` hook last, so that one that hangs does not delay the others."""
    own = {who.removeprefix("persona ") for who in loaded.views.who_has("tts")}
    return sorted(loaded.personas, key=lambda name: name in own)
