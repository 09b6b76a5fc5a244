"""A call, as personas and plugins see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from host.call.caller import Caller

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine
    from datetime import datetime

    from livekit.agents import AgentSession, JobContext

    from host.call.answers import VoicemailPolicy
    from host.call.handling import Handling
    from host.call.parts import Hooks
    from host.call.state import CallStatus
    from host.records.record import Utterance
    from host.settings import PersonaSettings, Settings


class Call:
    """One call: who, where, which way, how it stands, and what may be done with it."""

    def __init__(self, handling: Handling) -> None:
        self._handling, self._known = handling, handling.state
        self.state = SimpleNamespace()
        """Room for whatever personas and plugins want to keep for the length of the call."""
        self.collect_digits = handling.keypad.collect
        self.choose = handling.keypad.choose

    def __repr__(self) -> str:
        return repr(self._handling)

    # Who

    @property
    def id(self) -> str:
        """LiveKit's job id; empty in a text chat."""
        return self._known.id

    @property
    def room(self) -> str:
        """The name of LiveKit's room."""
        return self._known.room

    @property
    def persona(self) -> str:
        """Name of the persona that has the call."""
        return self._known.persona or ""

    @property
    def outbound(self) -> bool:
        """True where we placed the call."""
        return self._known.outbound

    @property
    def caller(self) -> Caller:
        """Who rings us, as they say: unverified. Nobody on a call that we place."""
        known = self._known
        return Caller() if known.outbound else Caller(known.number, known.caller_name)

    @property
    def number(self) -> str | None:
        """The far end's number. Anybody can forge a caller ID: it proves nothing, see `caller`."""
        return self._known.number

    @property
    def our_number(self) -> str | None:
        """The number that was dialled (inbound), or is shown (outbound)."""
        return self._known.our_number

    @property
    def telephone(self) -> bool:
        """True where the far end is a telephone, not a browser, an app or a text chat."""
        return self._handling.telephone

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The dispatch's metadata, as it came."""
        return MappingProxyType(self._known.metadata)

    @property
    def details(self) -> Any:
        """What the persona's `parse_metadata` answered."""
        return self._handling.details

    # How it stands

    @property
    def status(self) -> CallStatus:
        """The line's status: dialing, ringing, automation, active or hangup."""
        return self._known.status

    @property
    def dispatched_at(self) -> datetime:
        """When the host took the call, UTC."""
        return self._known.dispatched_at

    @property
    def over(self) -> bool:
        """True once the call has an ending."""
        return self._handling.over

    @property
    def asking(self) -> bool:
        """True while a question is put to the far end, whose answer its keys are."""
        return self._handling.keypad.asking

    @property
    def transcript(self) -> Sequence[Utterance]:
        """What was said so far, in order."""
        return self._known.transcript

    @property
    def voicemail_policy(self) -> VoicemailPolicy:
        """What is done when a machine answers."""
        return self._handling.voicemail_policy

    # What may be done with it

    async def say(self, text: str, *, interruptible: bool = True) -> None:
        """Speak exact words; returns when they were heard to their end, or interrupted."""
        await self._handling.say(text, interruptible=interruptible)

    async def hang_up(self, goodbye: str | None = None, *, at_once: bool = False) -> None:
        """End the call. The goodbye, if any, is heard to its end first.

        With `at_once`, whatever is being said is broken off for it, but for another such goodbye.
        """
        await self._handling.hang_up(goodbye, at_once=at_once)

    async def transfer(
        self, to: str, *, announcement: str | None = None, summary: str | None = None
    ) -> None:
        """Hand the call over to a target that host.toml names; the persona's part ends with it.

        The announcement is heard to its end before the caller is sent away; None is the one of
        host.toml, an empty one is none. A warm transfer tells the colleague the `summary` first.
        Raises HostError where the target is unknown or does not take the call; the conversation
        goes on then.
        """
        await self._handling.transfer(to, announcement=announcement, summary=summary)

    async def press(self, digits: str, *, private: bool = False) -> None:
        """Press keys: 0123456789*#ABCD; `w` waits half a second, `,` two seconds: `1w2,,345#`.

        Returns when the last key is out. `private` ones are masked in records and logs. Raises
        HostError, before any key is pressed, where one is wrong, nobody has answered yet, or the
        keys could dial a number that may not be called (unless `keys_may_dial` is set).
        """
        await self._handling.press(digits, private=private)

    async def opt_out(self) -> None:
        """Put the far end's number on the do-not-call list: from now on nobody dials it.

        Raises HostError where its number is not known, or can't be written down.
        """
        await self._handling.opt_out()

    async def meet_machine(self) -> None:
        """Make sure that a machine has answered, and do what the persona's policy says of it."""
        await self._handling.meet_machine()

    def spawn(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        """Do something beside the conversation; it ends with the call."""
        return self._handling.spawn(work, what)

    # What it stands on

    @property
    def session(self) -> AgentSession[Any] | None:
        """LiveKit's AgentSession, once the call has one."""
        return self._handling.session

    @property
    def job(self) -> JobContext | None:
        """LiveKit's JobContext; None in a text chat."""
        return self._handling.job

    @property
    def settings(self) -> Settings:
        """The settings of the deployment."""
        return self._handling.settings

    @property
    def persona_settings(self) -> PersonaSettings:
        """What host.toml says of this call's persona."""
        return self._handling.persona_settings

    @property
    def hooks(self) -> Hooks:
        """Every hook, answered by the plugins and this call's persona."""
        return self._handling.hooks
