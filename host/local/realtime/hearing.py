"""The input audio buffer: what the caller says, with ears for the scene's sentences."""

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable, Callable

import numpy as np

from host.local.realtime.conversation import Refused
from host.local.realtime.session import RATE
from host.local.speech import Ears, Event, Heard, Sentences

log = logging.getLogger("host")


class Hearing:
    """Listens to the caller until it is finished or dropped. `told` gets what the ears notice."""

    def __init__(
        self, sentences: Sentences, silence: float, told: Callable[[Event], Awaitable[None]]
    ) -> None:
        self._ears = Ears(sentences, RATE, silence)
        self._told = told
        self._heard: list[str] = []
        self.seconds = 0.0
        """Length of what came in so far."""
        self._listening = asyncio.create_task(self._listen())

    def push(self, audio: str) -> None:
        """Hear base64 of PCM16."""
        if self._listening.done():
            raise Refused("nobody listens any more: the ears have failed", "server_error")
        try:
            samples = np.frombuffer(base64.b64decode(audio, validate=True), "<i2")
        except (binascii.Error, ValueError):
            raise Refused("audio is base64 of 16-bit samples", "invalid_audio") from None
        self.seconds += samples.size / RATE
        self._ears.push(samples.astype(np.int16))

    def flush(self) -> None:
        """End what is being said without waiting for silence."""
        self._ears.flush()

    def take(self) -> str:
        """Give the sentences heard since they were last taken."""
        heard, self._heard = self._heard, []
        return " ".join(heard)

    async def finish(self) -> str:
        """Hear all that came in to its end, and give what was not taken yet."""
        self._ears.close()
        await asyncio.wait({self._listening})
        return self.take()

    async def drop(self) -> None:
        """Stop listening."""
        self._listening.cancel()
        await asyncio.wait({self._listening})

    async def _listen(self) -> None:
        try:
            async for event in self._ears.events():
                if isinstance(event, Heard) and event.final:
                    self._heard.append(event.text)
                await self._told(event)
        except Exception:
            log.exception("the ears of a realtime model have failed")
