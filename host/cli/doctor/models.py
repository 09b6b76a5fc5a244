"""The models that personas use, each created once, and tried with one cheap request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import APIConnectOptions, llm, stt, tts
from livekit.agents.utils import http_context

from host.base.errors import HostError
from host.call.live import LiveCall
from host.registry import Registry
from host.settings import Settings
from host.speech import providers
from host.speech.providers import Kind

PATIENCE = 8.0
"""Seconds that a provider may take to answer."""
SILENCE = rtc.AudioFrame(np.zeros(1600, np.int16).tobytes(), 16000, 1, 1600)
"""A tenth of a second: what an STT is asked to transcribe."""
WORD = "Hi."
"""What an LLM is told, and a TTS is asked to say."""


@dataclass
class Used:
    """A model by its name, and the personas that use it."""

    kind: Kind
    name: str
    model: Any
    personas: list[str] = field(default_factory=list)

    @property
    def provider(self) -> str:
        """Return its provider's name."""
        return self.name.partition("/")[0]

    @property
    def setting(self) -> str:
        """Return it as host.toml has it."""
        return f'{self.kind} = "{self.name}"'


def used(settings: Settings, loaded: Registry, kind: Kind) -> list[Used]:
    """Create the models of a kind that personas use, fallbacks included, each once.

    What can't be created is left out: the host says so before it starts. So is what the code of a
    persona creates: it runs in calls alone. In the main thread: LiveKit's plugins ask for it.
    """
    own = {hook: set(loaded.views.who_has(hook)) for hook in (kind, "provide")}
    found: list[tuple[Any, Used]] = []
    for persona in loaded.personas:
        if f"persona {persona}" in own["provide"]:
            continue
        call = LiveCall(settings, persona=persona, hooks=loaded.view(None))
        for name in _names(call, kind, own=f"persona {persona}" in own[kind]):
            speaks = call.persona_settings
            key = (name, speaks.language, speaks.plugins.get(name.partition("/")[0]))
            same = next((each for known, each in found if known == key), None)
            if same is None:
                try:
                    same = Used(kind, name, providers.make(call, kind, name))
                except HostError:
                    continue
                found.append((key, same))
            same.personas.append(persona)
    return [each for _, each in found]


def _names(call: LiveCall, kind: Kind, *, own: bool) -> Iterator[str]:
    if not own:
        try:
            first = getattr(call.hooks, kind)(call=call.call)
        except Exception:  # a plugin's answer may depend on the call
            first = None
        if isinstance(first, str):
            yield first
    yield from getattr(call.persona_settings, f"{kind}_fallbacks")


async def try_all(models: list[Used]) -> dict[int, BaseException]:
    """Send each model one request, at the same time; return the errors by position."""
    async with http_context.open():
        done = await asyncio.gather(*(_try(each.model) for each in models), return_exceptions=True)
        await asyncio.gather(*(each.model.aclose() for each in models), return_exceptions=True)
    return {at: error for at, error in enumerate(done) if error is not None}


async def _try(model: Any) -> None:
    """Send a model one cheap request. Raises what it raises, and TimeoutError."""
    once = APIConnectOptions(max_retry=0, timeout=PATIENCE)
    async with asyncio.timeout(PATIENCE + 1):
        if isinstance(model, llm.LLM):
            context = llm.ChatContext.empty()
            context.add_message(role="user", content=WORD)
            async with model.chat(chat_ctx=context, conn_options=once) as reply:
                async for _ in reply:
                    return
        elif isinstance(model, stt.STT):
            await _transcribe(model, once)
        elif isinstance(model, tts.TTS):
            async with model.synthesize(WORD, conn_options=once) as speech:
                async for _ in speech:
                    return


async def _transcribe(model: stt.STT[Any], once: APIConnectOptions) -> None:
    """Transcribe silence. Of a stream, as calls have it, the end comes late: after 5 s.

    What went wrong is told by the stream alone: LiveKit's plugin of Deepgram (1.8.9) does not look
    at the HTTP status of a recording's transcript.
    """
    if model.capabilities.offline_recognize:
        try:
            await model.recognize(SILENCE, conn_options=once)
        except Exception:
            if not model.capabilities.streaming:
                raise
        else:
            return
    async with model.stream(conn_options=once) as stream:
        stream.push_frame(SILENCE)
        stream.end_input()
        async for _ in stream:
            pass
