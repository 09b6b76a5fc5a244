"""Stand-ins for STT, LLM and TTS with one and the same timing for every target.

They note what they were asked and when they answered, by the machine's monotonic clock, which the
callers use too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from aiohttp import web

from host.local.cartesia import CartesiaServer
from host.local.llm import LlmServer
from host.local.rules import Rule
from speed import words
from speed.stt import Note, Stt

KEY = "local"
TONE = 440
"""Hz of the agent's sound."""
KEPT = 10_000
"""Moments that are kept: far more than those of one reply."""


@dataclass(frozen=True)
class Moment:
    """Something that a provider was asked or has answered; `at` is of the monotonic clock."""

    what: str
    at: float


class Moments:
    """What the providers noted, oldest first."""

    def __init__(self) -> None:
        self.all: list[Moment] = []

    def note(self, what: str) -> None:
        """Note that something happens now."""
        if len(self.all) >= KEPT:
            del self.all[: KEPT // 2]
        self.all.append(Moment(what, time.monotonic()))

    def between(self, begin: float, end: float) -> list[Moment]:
        """Return what happened between two times."""
        return [each for each in self.all if begin <= each.at <= end]


class Tts(CartesiaServer):
    """Speaks every text as a tone; the first byte comes after a fixed time."""

    def __init__(self, note: Note) -> None:
        super().__init__()
        self._note = note

    async def synthesize(
        self, request: Mapping[str, Any], pause: float = 0.0, *, kept: bool = False
    ) -> bytes:
        """Return a tone as long as the transcript takes to say."""
        text = str(request.get("transcript", "")).strip()
        if not text:
            return b""
        self._note("tts asked")
        await asyncio.sleep(words.FIRST_BYTE)
        self._note("first byte")
        form = request["output_format"]
        seconds = words.A_WORD * len(text.split())
        at = np.arange(round(seconds * int(form["sample_rate"]))) / int(form["sample_rate"])
        sound = np.sin(2 * np.pi * TONE * at) * 0.25
        if form["encoding"] == "pcm_f32le":
            return sound.astype(np.float32).tobytes()
        return (sound * 32767).astype(np.int16).tobytes()


class Llm(LlmServer):
    """Answers everything by one sentence; the first token comes after a fixed time."""

    def __init__(self, note: Note) -> None:
        super().__init__([Rule(says=f"{words.REPLY}.")])
        self.delay = words.FIRST_TOKEN
        self._note = note

    def application(self) -> web.Application:
        """Serve chat completions, and note each request and the begin of its answer."""
        app = super().application()

        @web.middleware
        async def noted(request: web.Request, handler: Any) -> web.StreamResponse:
            self._note("llm asked")
            self.requests.clear()  # hours of them would fill the memory
            response: web.StreamResponse = await handler(request)
            return response

        async def begins(request: web.Request, response: web.StreamResponse) -> None:
            self._note("first token")

        app.middlewares.append(noted)
        app.on_response_prepare.append(begins)
        return app


class Providers:
    """All three, while the block lasts. `moments` is what they note."""

    def __init__(self) -> None:
        self.moments = Moments()
        self.stt = Stt(f"{words.QUESTION}?", self.moments.note)
        self.llm = Llm(self.moments.note)
        self.tts = Tts(self.moments.note)
        self._up = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for server in (self.stt, self.llm, self.tts):
            await self._up.enter_async_context(server)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._up.aclose()

    @property
    def environment(self) -> dict[str, str]:
        """Where a worker finds them, by the names that its plugins and scripts read."""
        return {
            "DEEPGRAM_URL": f"{self.stt.url}/v1/listen",
            "DEEPGRAM_API_KEY": KEY,
            "CARTESIA_URL": self.tts.url,
            "CARTESIA_API_KEY": KEY,
            "OPENAI_BASE_URL": f"{self.llm.url}/v1",
            "OPENAI_API_KEY": KEY,
        }
