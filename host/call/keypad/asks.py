"""The part of a call that its keypad uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from host.call.keypad.spoken import Hears

if TYPE_CHECKING:
    import asyncio
    from contextlib import AbstractContextManager

    from livekit.agents.voice import SpeechHandle

    from host.call.state import CallState
    from host.records.ending import Ending
    from host.records.record import KeyPress


class Asks(Hears, Protocol):
    """A call that asks for keys."""

    state: CallState

    @property
    def persona(self) -> str: ...

    @property
    def off_record(self) -> bool: ...

    @property
    def over(self) -> bool: ...

    @property
    def ending(self) -> asyncio.Future[Ending]: ...

    def hold_replies(self) -> AbstractContextManager[None]: ...

    def speak(self, text: str, *, interruptible: bool = True) -> SpeechHandle: ...

    def note_key(
        self, who: Literal["persona", "caller"], digit: str, *, private: bool = False
    ) -> KeyPress: ...
