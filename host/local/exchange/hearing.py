"""Speech recognition of a telephone."""

import asyncio
import contextlib

from host.local.exchange.call import PhoneCall
from host.local.sound import RATE, Samples
from host.local.speech import Sentences, Transcriber

LAST_WORDS = 15.0
"""Seconds that recognition may take after the end of a call."""


class Hearing:
    """Recognises words in a telephone's received audio; times count from the answer."""

    def __init__(self, call: PhoneCall, sentences: Sentences) -> None:
        self._transcriber = Transcriber(sentences, RATE)
        self._listening = asyncio.create_task(self._listen(call))

    def push(self, samples: Samples) -> None:
        """Recognise the next samples; the first ones are those at the answer."""
        self._transcriber.push(samples)

    async def aclose(self) -> None:
        """Recognise the rest and stop."""
        self._transcriber.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._listening, LAST_WORDS)

    async def _listen(self, call: PhoneCall) -> None:
        async for heard in self._transcriber:
            call.words_arrived(heard)
