"""A call's speech that need not wait for the TTS: rendered on disk, or before it is due."""

from __future__ import annotations

import asyncio
import logging
import wave
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from livekit import rtc
from livekit.agents import Agent, AgentSession, ModelSettings
from livekit.agents.utils import is_given
from livekit.agents.voice.agent_session import DEFAULT_TTS_TEXT_TRANSFORMS

from host.call.live import LiveCall
from host.speech.prompts.cache import PromptCache
from host.speech.prompts.fixed import can_be_rendered
from host.speech.prompts.sound import read
from host.speech.prompts.voice import tts_key

log = logging.getLogger("host")

LEAD = 0.4
"""Seconds of sound that are given before they are due.

LiveKit (1.8.9) takes all frames that are there in one step, which blocks the first ones.
"""


class RenderedSpeech:
    """Finds the sound of exact words, in the voice that the session has now.

    What is heard is what the TTS would say: an agent or options of an author that change the text
    or the sound get the TTS itself.
    """

    def __init__(self, call: LiveCall, session: AgentSession[Any]) -> None:
        self._call, self._session = call, session
        self._cache = PromptCache(call.settings.state_dir)
        self._begun: dict[str, _Rendering] = {}

    def begin(self, *texts: str) -> None:
        """Render texts that are not on disk, one after the other, while nobody waits for them."""
        agent = self._agent()
        if agent is None or not self._renders_alike():
            return
        before: _Rendering | None = None
        for text in dict.fromkeys(filter(can_be_rendered, texts)):
            if text not in self._begun and not self._on_disk(agent, text):
                before = self._begun[text] = _Rendering(self._call, agent, text, before)

    def drop(self) -> None:
        """Forget what was begun and is not said."""
        for rendering in self._begun.values():
            rendering.stop()
        self._begun.clear()

    def audio_of(self, text: str) -> AsyncIterator[rtc.AudioFrame] | None:
        """Return the frames of a text; None: the TTS is to say it."""
        agent = self._agent()
        if agent is None or not self._renders_alike():
            return None
        begun = self._begun.get(text)
        if begun is not None and begun.agent is agent and not begun.failed:
            return _paced(begun.frames())
        sound = self._on_disk(agent, text)
        return _paced(_each(sound)) if sound else None

    def _agent(self) -> Agent | None:
        try:
            return self._session.current_agent
        except RuntimeError:  # not started, or closed
            return None

    def _renders_alike(self) -> bool:
        """Return whether the session gives texts to the TTS as they are."""
        options = self._session.options
        return (
            options.tts_text_transforms == DEFAULT_TTS_TEXT_TRANSFORMS
            and not options.use_tts_aligned_transcript
        )

    def _on_disk(self, agent: Agent, text: str) -> list[rtc.AudioFrame]:
        """Return what is on disk in the agent's voice; empty if there is nothing, or no voice."""
        engine = agent.tts if is_given(agent.tts) else self._session.tts
        if engine is None or type(agent).tts_node is not Agent.tts_node:
            return []
        file = self._cache.in_voice(tts_key(engine), text)
        if file is None:
            return []
        try:
            return read(file)
        except (OSError, EOFError, wave.Error) as error:
            log.warning("can't play %s: %s", file, error)
            return []


class _Rendering:
    """A text that the TTS is saying, to nobody yet. Others may follow it one after the other."""

    def __init__(
        self, call: LiveCall, agent: Agent, text: str, after: _Rendering | None = None
    ) -> None:
        self.agent = agent
        self._frames: list[rtc.AudioFrame] = []
        self._error: Exception | None = None
        self._more = asyncio.Event()
        self._task = call.spawn(self._render(text, after), "rendering a greeting")
        self._task.add_done_callback(lambda task: self._more.set())

    @property
    def failed(self) -> bool:
        """True once the TTS has failed, or has said nothing."""
        if not self._task.done():
            return False
        return self._error is not None or not self._frames

    def stop(self) -> None:
        """End it if it still goes on."""
        self._task.cancel()

    async def frames(self) -> AsyncIterator[rtc.AudioFrame]:
        """Return all frames, as they come. Raises what the TTS raises."""
        at = 0
        while True:
            while at < len(self._frames):
                yield self._frames[at]
                at += 1
            if self._task.done():
                if self._error:
                    raise self._error
                return
            self._more.clear()
            await self._more.wait()

    async def _render(self, text: str, after: _Rendering | None) -> None:
        if after is not None:
            await asyncio.wait({after._task})
        try:
            node = self.agent.tts_node(_once(text), ModelSettings())
            frames = await node if asyncio.iscoroutine(node) else node
            if not isinstance(frames, AsyncIterable):
                return
            async for frame in frames:
                self._frames.append(frame)
                self._more.set()
        except Exception as error:  # told by LiveKit, and by whoever wants to say the text
            self._error = error


async def _once(text: str) -> AsyncIterator[str]:
    yield text


async def _each(frames: list[rtc.AudioFrame]) -> AsyncIterator[rtc.AudioFrame]:
    for frame in frames:
        yield frame


async def _paced(frames: AsyncIterator[rtc.AudioFrame]) -> AsyncIterator[rtc.AudioFrame]:
    """Give frames not much before they are due."""
    loop = asyncio.get_running_loop()
    due: float | None = None
    async for frame in frames:
        due = loop.time() if due is None else due
        yield frame
        due += frame.duration
        await asyncio.sleep(max(0.0, due - loop.time() - LEAD))
