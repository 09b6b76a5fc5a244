"""The interface that `Call` delegates to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine
    from datetime import datetime

    from livekit.agents import AgentSession, JobContext

    from host.call.answers import VoicemailPolicy
    from host.call.hold import Hold
    from host.call.keypad import Keypad
    from host.call.parts import Hooks
    from host.call.results import Results
    from host.call.state import CallState
    from host.call.unrecorded import Unrecorded
    from host.settings import PersonaSettings, Settings


class Handling(Protocol):
    """A call in progress; `LiveCall` implements it."""

    state: CallState
    settings: Settings
    persona_settings: PersonaSettings
    details: Any
    job: JobContext | None
    session: AgentSession[Any] | None
    keypad: Keypad
    hold: Hold
    results: Results
    unrecorded: Unrecorded

    @property
    def hooks(self) -> Hooks: ...

    @property
    def telephone(self) -> bool: ...

    @property
    def over(self) -> bool: ...

    @property
    def voicemail_policy(self) -> VoicemailPolicy: ...

    async def say(self, text: str, *, interruptible: bool = True) -> None: ...

    async def hang_up(self, goodbye: str | None = None, *, at_once: bool = False) -> None: ...

    async def transfer(
        self, to: str, *, announcement: str | None = None, summary: str | None = None
    ) -> None: ...

    async def hand_over(self, to: str, *, note: str = "") -> None: ...

    async def press(self, digits: str, *, private: bool = False) -> None: ...

    def facts(self) -> dict[str, Any]: ...

    async def opt_out(self) -> None: ...

    async def call_back(self, when: datetime, within: float) -> datetime: ...

    async def meet_machine(self) -> None: ...

    def spawn(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]: ...
