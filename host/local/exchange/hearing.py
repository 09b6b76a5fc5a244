"""The ears of a telephone: the words on a call, as they are recognised."""

import asyncio
import contextlib

from host.local.exchange.call import PhoneCall
from host.local.sound import RATE, Samples
from host.local.speech import Ears, Sentences

LAST_WORDS = 15.0
"""Seconds that recognition may go on after the end of a call."""


class Hearing:
    """Recognises words in what a telephone hears; times count from the answer."""

    def __init__(self, call: PhoneCall, sentences: Sentences) -> None:
        self._ears = Ears(sentences, RATE)
        self._listening = asyncio.create_task(self._listen(call))

    def push(self, samples: Samples) -> None:
        """Hear the next samples; the first come at the answer."""
        self._ears.push(samples)

    async def aclose(self) -> None:
        """Recognise what was said last, and stop."""
        self._ears.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._listening, LAST_WORDS)

    async def _listen(self, call: PhoneCall) -> None:
        async for heard in self._ears:
            call.words_arrived(heard)
