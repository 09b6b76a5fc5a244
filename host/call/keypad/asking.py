"""Asks one question at a time: its prompt, the keys that answer it, and why it is asked again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from host.call.keypad.asks import Asks
from host.call.keypad.missed import Missed, NoKeys
from host.call.keypad.typed import Typed

T = TypeVar("T")

OVERRUN = 1.0
"""Seconds after a complete number in which a further key counts as part of it."""


class Asking:
    """The questions of one call."""

    def __init__(self, call: Asks, typed: Typed) -> None:
        self._call, self._typed = call, typed
        self._lock, self._until = asyncio.Lock(), 0.0

    @property
    def waiting(self) -> bool:
        """True while a question waits for keys."""
        return self._lock.locked()

    @property
    def now(self) -> bool:
        """True while a question waits for keys, and for OVERRUN seconds after."""
        return self.waiting or time.monotonic() < self._until

    async def question(self, asking: Coroutine[Any, Any, T]) -> T:
        """Hold the model's replies while asking; cancelled when the call ends."""
        with contextlib.closing(asking):
            async with self._lock:
                with self._call.hold_replies():
                    self._typed.forget_old()
                    try:
                        return await self._while_it_lasts(asking)
                    finally:
                        self._until = time.monotonic() + OVERRUN
                        if self._call.first_words and not self._call.over:
                            await self._call.first_words.keep()

    async def _while_it_lasts(self, asking: Coroutine[Any, Any, T]) -> T:
        if self._call.over:
            raise asyncio.CancelledError("the call has ended")
        task = asyncio.create_task(asking)
        either: list[asyncio.Future[Any]] = [task, self._call.ending]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._call.over:
                raise asyncio.CancelledError("the call has ended")
            return task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def ask(self, prompt: str, tries: int, read: Callable[[], Awaitable[T]]) -> T:
        """Speak the prompt and read the answer; after a miss, say why and ask again."""
        words, said = self._call.persona_settings.words, prompt
        for _ in range(tries):
            await self._speak(said)
            try:
                return await read()
            except Missed as missed:
                self._typed.clear()
                said = f"{words.wrong_key if missed.wrong else words.no_key} {prompt}".strip()
        raise NoKeys(f"{self._call.persona} got no keys in {tries} tries")

    async def _speak(self, words: str) -> None:
        """Speak until the first key; keys typed ahead skip the words."""
        if not words or self._typed:
            return
        speech = self._call.speak(words, interruptible=False)
        heard = asyncio.ensure_future(speech.wait_for_playout())
        key = asyncio.ensure_future(self._typed.arrived())
        try:
            await asyncio.wait({heard, key}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            key.cancel()
            if not speech.done():
                speech.interrupt(force=True)
        await heard
