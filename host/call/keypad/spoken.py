"""Takes digits that the caller says while a number is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from host.base.digits import digits_in
from host.call.keypad.typed import Pressed, Typed

if TYPE_CHECKING:
    from livekit.agents import AgentSession

    from host.call.parts import FirstWords
    from host.settings import PersonaSettings

LONGEST = 30.0
"""Seconds that a number may take to be said: on a noisy line, somebody always speaks."""
OVERRUN = 2.0
"""Seconds after a question in which a transcript of its answer may still arrive."""


class Hears(Protocol):
    """The part of a call that hears digits."""

    persona_settings: PersonaSettings
    first_words: FirstWords | None
    session: AgentSession[Any] | None


class Spoken:
    """Digits of one call's transcripts, as keys of the question that waits for them."""

    def __init__(self, call: Hears, typed: Typed) -> None:
        self._call, self._typed = call, typed
        self._asked, self._private, self._private_until = False, False, 0.0
        self._said = False

    @property
    def private(self) -> bool:
        """True while a private number may be said, and until its transcript must have arrived."""
        return self._private or time.monotonic() < self._private_until

    def heard(self, transcript: str) -> None:
        """Take the digits of a final transcript, if a number is asked for."""
        if self._asked:
            for digit in "".join(digits_in(transcript, self._call.persona_settings.language)):
                self._typed.add(Pressed(digit))
                self._said = True

    @contextlib.contextmanager
    def listening(self, *, private: bool) -> Iterator[None]:
        """Take digits inside the block."""
        self._asked, self._private, self._said = True, private, False
        try:
            yield
        finally:
            self._asked = self._private = False
            if private:
                self._private_until = time.monotonic() + OVERRUN
            self._typed.drop_spoken()

    async def take(self, limit: float) -> str | None:
        """Wait for the next digit like `Typed.take`, and longer while the far end speaks."""
        until = time.monotonic() + LONGEST
        key = await self._typed.take(limit)
        while key is None and self._speaking and time.monotonic() < until:
            key = await self._typed.take(limit)
        return key

    async def settle(self) -> None:
        """Wait until a number that was said is over: it may have more digits.

        The far end's turn then ends with the question: the model must not reply to it.
        """
        session, silent = self._call.session, asyncio.Event()
        if session is None or not self._said:
            return

        def on_state(event: Any) -> None:
            if event.new_state != "speaking":
                silent.set()

        session.on("user_state_changed", on_state)
        try:
            if session.user_state == "speaking":
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(silent.wait(), OVERRUN)
        finally:
            session.off("user_state_changed", on_state)

    @property
    def _speaking(self) -> bool:
        """Return whether the far end speaks, or has spoken and the transcript is due."""
        session, first_words = self._call.session, self._call.first_words
        speaks = session is not None and session.user_state == "speaking"
        return speaks or (first_words is not None and first_words.due)
