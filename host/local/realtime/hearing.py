"""The input audio buffer: recognises the caller's sentences."""

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable, Callable

import numpy as np

from host.local.realtime.conversation import Refused
from host.local.realtime.session import RATE
from host.local.speech import Event, Heard, Sentences, Transcriber

log = logging.getLogger("host")


class Hearing:
    """Recognises the caller's speech until it is finished or dropped; `notify` gets events."""

    def __init__(
        self, sentences: Sentences, silence: float, notify: Callable[[Event], Awaitable[None]]
    ) -> None:
        self._transcriber = Transcriber(sentences, RATE, silence)
        self._notify = notify
        self._heard: list[str] = []
        self.seconds = 0.0
        """Duration of the received audio."""
        self._listening = asyncio.create_task(self._listen())

    def push(self, audio: str) -> None:
        """Recognise base64-encoded PCM16."""
        if self._listening.done():
            raise Refused("nobody listens any more: the ears have failed", "server_error")
        try:
            samples = np.frombuffer(base64.b64decode(audio, validate=True), "<i2")
        except (binascii.Error, ValueError):
            raise Refused("audio is base64 of 16-bit samples", "invalid_audio") from None
        self.seconds += samples.size / RATE
        self._transcriber.push(samples.astype(np.int16))

    def flush(self) -> None:
        """End the current utterance without waiting for silence."""
        self._transcriber.flush()

    def take(self) -> str:
        """Return the sentences recognised since the last call."""
        heard, self._heard = self._heard, []
        return " ".join(heard)

    async def finish(self) -> str:
        """Recognise the remaining audio; return the sentences not yet taken."""
        self._transcriber.close()
        await asyncio.wait({self._listening})
        return self.take()

    async def drop(self) -> None:
        """Stop recognition."""
        self._listening.cancel()
        await asyncio.wait({self._listening})

    async def _listen(self) -> None:
        try:
            async for event in self._transcriber.events():
                if isinstance(event, Heard) and event.final:
                    self._heard.append(event.text)
                await self._notify(event)
        except Exception:
            log.exception("the ears of a realtime model have failed")
