"""What a call is made of, as far as the call itself and hooks use it.

The runner builds each part, from `host.telephony` and `host.speech`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from livekit import rtc

    from host.settings import TransferTarget


class Hooks(Protocol):
    """Every hook, answered by the plugins and one persona: `hooks.greeting(call=call)`."""

    def __getattr__(self, hook: str) -> Any: ...

    def in_turn(self, hook: str) -> Sequence[Any]:
        """Return the callers of a hook that are told one after the other."""
        ...


class FarEnd(Protocol):
    """The other side of the call, in LiveKit's room."""

    room: rtc.Room

    @property
    def identity(self) -> str | None:
        """Its identity in the room; None before it is known."""
        ...

    @property
    def telephone(self) -> bool:
        """True behind LiveKit SIP, False for a browser or an app."""
        ...

    @property
    def participant(self) -> rtc.RemoteParticipant | None:
        """The far end's participant, while it is in the room."""
        ...

    @property
    def pressing(self) -> bool:
        """True while keys are pressed."""
        ...

    async def answered(self) -> None:
        """Wait until somebody has picked up."""
        ...

    async def press(self, written: str, *, private: bool = False) -> None:
        """Press keys. Raises HostError."""
        ...

    async def gone(self, limit: float) -> None:
        """Wait until it has left, at most `limit` seconds."""
        ...

    async def hang_up(self) -> None:
        """Put everyone who called out of the room."""
        ...

    async def leave(self) -> None:
        """Leave the room and delete it."""
        ...


class Transfers(Protocol):
    """Hands the call to somebody else."""

    async def hand_over(
        self, to: str, target: TransferTarget, announcement: str, summary: str
    ) -> None:
        """Hand the call over. Raises HostError where the target does not take it."""
        ...

    async def close(self) -> None:
        """Stop a transfer that is under way."""
        ...


class Recorder(Protocol):
    """Records the call."""

    async def begin(self, heard: str) -> None:
        """Record from now on; `heard` is the notice that says so."""
        ...

    async def close(self) -> None:
        """Finish the file."""
        ...


class PromptPlayer(Protocol):
    """What speaks beside the session, without any provider."""

    @property
    def sounds(self) -> bool:
        """Whether it is heard now."""
        ...

    async def open(self) -> None:
        """Publish its track, unless it is published."""
        ...

    async def play(self, sound: list[rtc.AudioFrame]) -> None:
        """Play a sound to its end."""
        ...


class FirstWords(Protocol):
    """What the far end said and nobody has taken up yet."""

    def take(self) -> str:
        """Take it: it is the caller's to answer now."""
        ...

    async def keep(self) -> None:
        """Let the model know of it, without an answer."""
        ...

    async def answer(self, *, but_a_hello: bool = False) -> None:
        """Let the model answer it."""
        ...


class VoicemailWatch(Protocol):
    """Listens for a machine on a call that we placed."""

    async def meet_machine(self) -> None:
        """Do what the persona's policy says of a machine."""
        ...

    def keep_watching(self) -> None:
        """Listen on while the conversation goes on."""
        ...
