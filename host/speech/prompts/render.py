"""Renders the prompts of all personas, each with its own TTS voice."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from livekit.agents.utils import http_context

from host import registry
from host.call.live import LiveCall
from host.settings import Settings
from host.speech.prompts.cache import PromptCache, wanted
from host.speech.prompts.fixed import greetings, own_words
from host.speech.prompts.sound import synthesise, tts_of, wav_of
from host.speech.prompts.voice import tts_key

TTS_LIMIT = 20.0
"""Seconds that a TTS may take for one sentence; no caller is waiting."""
ROOM = 256 * 2**20
"""Bytes of prompts on disk beyond which only the necessary ones are rendered."""


async def make_sounds(settings: Settings) -> list[str]:
    """Render the missing prompts of all personas that a call can't do without.

    Returns failures, one line for each persona.
    """
    rendering = _Rendering(settings)
    await rendering.make(keep=False)
    return rendering.close()


async def make_all(settings: Settings, only: Collection[str] | None = None) -> list[str]:
    """Render those, then all else that is said in the same words in every call.

    `only`: of these personas. Returns failures, one line for each persona.
    """
    rendering = _Rendering(settings, only)
    await rendering.make(keep=True)
    await rendering.make(keep=False, beyond=True)
    return rendering.close()


class _Rendering:
    """Renders the prompts of a deployment, each persona's with its own TTS voice."""

    def __init__(self, settings: Settings, only: Collection[str] | None = None) -> None:
        self._settings, self._loaded = settings, registry.load(settings)
        self._cache = PromptCache(settings.state_dir)
        self._names = [name for name in _own_tts_last(self._loaded) if only is None or name in only]
        self._down: set[str] = set()
        """Keys of TTS voices that have failed."""
        self._missing: dict[str, str] = {}
        """Personas that have failed, and why: they are tried again later."""

    async def make(self, *, keep: bool, beyond: bool = False) -> None:
        """Render what is missing: the necessary, or what is `beyond` it, too.

        `keep`: what else is known of a persona stays in its index.
        """
        async with http_context.open():
            for name in self._names:
                if name in self._missing:
                    continue
                call = LiveCall(self._settings, persona=name, hooks=self._loaded.view(name))
                try:
                    tts = tts_of(call)
                    if tts is not None:
                        await self._make_for(call, tts, keep=keep, beyond=beyond)
                except Exception as error:
                    self._missing[name] = str(error) or type(error).__name__

    def close(self) -> list[str]:
        """Delete what no persona needs any more; return the failures."""
        self._cache.tidy(list(self._loaded.personas))
        return [f"{name}: {why}" for name, why in self._missing.items()]

    async def _make_for(self, call: LiveCall, tts: Any, *, keep: bool, beyond: bool) -> None:
        """Render one persona's prompts."""
        key, cache, own = tts_key(tts), self._cache, call.persona_settings
        words = wanted(own.words)
        more: tuple[str, ...] = ()
        if beyond and own.render_ahead:
            more = (*await greetings(self._settings, call.persona, call.hooks), *own_words(own))
        try:
            for text in (*words, *more):
                if cache.in_voice(key, text) or (text in more and cache.size >= ROOM):
                    continue
                if key in self._down:
                    raise ConnectionError("the TTS failed")
                cache.put(key, text, wav_of(await synthesise(tts, text, TTS_LIMIT)))
        except Exception:
            self._down.add(key)
            raise
        finally:
            known = cache.texts(call.persona) if keep else ()
            cache.note(call.persona, key, (*words, *more, *known))
            await tts.aclose()


def _own_tts_last(loaded: registry.Registry) -> Iterable[str]:
    """Sort personas with a `tts` hook last, so that one that hangs does not delay the others."""
    own = {who.removeprefix("persona ") for who in loaded.views.who_has("tts")}
    return sorted(loaded.personas, key=lambda name: name in own)
