"""`Call`: one telephone call, as hooks and tools see it.

One module in spite of its length: it is the whole API of a call, and most of it is docstrings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from host.call.caller import Caller
from host.call.hook_clock import action

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from livekit.agents import AgentSession, JobContext

    from host.call.answers import VoicemailPolicy
    from host.call.handling import Handling
    from host.call.parts import Hooks
    from host.call.results import Results
    from host.call.state import CallStatus
    from host.records.record import Utterance
    from host.settings import PersonaSettings, Settings


class Call:
    """One call: its parties, its status, and the actions that personas and plugins may take."""

    def __init__(self, handling: Handling) -> None:
        self._handling, self._known = handling, handling.state
        self.state = SimpleNamespace()
        """Free attributes for personas and plugins; they last as long as the call."""
        self.collect_digits = handling.keypad.collect
        self.collect_letters = handling.keypad.collect_letters
        self.choose = handling.keypad.choose

    def __repr__(self) -> str:
        return repr(self._handling)

    # Identity

    @property
    def id(self) -> str:
        """LiveKit's job id; `chat` or `test` in a conversation in text."""
        return self._known.id

    @property
    def room(self) -> str:
        """The name of LiveKit's room."""
        return self._known.room

    @property
    def persona(self) -> str:
        """The name of the persona that has the call; empty until one is chosen."""
        return self._known.persona or ""

    @property
    def personas(self) -> Sequence[str]:
        """The names of the personas that have had the call, in order, as its record has them."""
        return self._known.names

    @property
    def outbound(self) -> bool:
        """True if the host placed the call."""
        return self._known.outbound

    @property
    def caller(self) -> Caller:
        """The caller's number and name as shown, unverified. Empty on outbound calls."""
        known = self._known
        return Caller() if known.outbound else Caller(known.number, known.caller_name)

    @property
    def number(self) -> str | None:
        """The far end's number. Caller IDs can be forged: it authorises nothing, see `caller`."""
        return self._known.number

    @property
    def our_number(self) -> str | None:
        """The dialled number (inbound), or the caller ID that the callee sees (outbound)."""
        return self._known.our_number

    @property
    def headers(self) -> Mapping[str, str]:
        """SIP headers that LiveKit SIP shows, as `x-case`; untrusted. Empty without a telephone.

        Those of an outbound call are known once it is answered.
        """
        return MappingProxyType(self._known.headers)

    @property
    def local_time(self) -> datetime:
        """The time where the far end's number is; the host's, if that is unknown."""
        from host.compliance.hours import time_at  # here: it loads phonenumbers

        return time_at(self.number)

    @property
    def telephone(self) -> bool:
        """True for a telephone, also a simulated one in text; False for a browser or an app."""
        return self._handling.telephone

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The dispatch's metadata, read-only and unchanged."""
        return MappingProxyType(self._known.metadata)

    @property
    def reference(self) -> str | None:
        """Your own ID of the call, from the request for it; None if that had none."""
        return self._known.reference

    @property
    def details(self) -> Any:
        """The answer of the persona's `parse_metadata` hook."""
        return self._handling.details

    # State

    @property
    def status(self) -> CallStatus:
        """The SIP call status: dialing, ringing, automation, active or hangup."""
        return self._known.status

    @property
    def dispatched_at(self) -> datetime:
        """When the host accepted the job, UTC."""
        return self._known.dispatched_at

    @property
    def taken_over(self) -> int:
        """How often another process has taken the call over after a failure."""
        return self._known.taken_over

    @property
    def over(self) -> bool:
        """True once the call has ended."""
        return self._handling.over

    @property
    def asking(self) -> bool:
        """True while `collect_digits` or `choose` waits for the caller's keys."""
        return self._handling.keypad.asking

    @property
    def on_hold(self) -> bool:
        """True while the far end has put the call on hold; the persona then keeps silent."""
        return self._handling.hold.active

    @property
    def transcript(self) -> Sequence[Utterance]:
        """Utterances so far, in order."""
        return self._known.transcript

    @property
    def results(self) -> Results:
        """Results of the call, JSON values by name, that its record has: 16 KiB together.

        Setting anything else raises HostError. They are kept over a takeover.
        """
        return self._handling.results

    def facts(self) -> dict[str, Any]:
        """Return what the record will have of the call so far, as JSON and masked like the record.

        These are its ID, room, persona, direction, numbers, reference and idempotency key, and the
        times up to the answer: for those who are to know of a call before it has ended.
        """
        return self._handling.facts()

    @property
    def voicemail_policy(self) -> VoicemailPolicy:
        """The answer of the `voicemail_policy` hook."""
        return self._handling.voicemail_policy

    # Actions

    @action
    async def say(self, text: str, *, interruptible: bool = True) -> None:
        """Speak exact words. Returns when playout has finished or was interrupted.

        Returns at once, without a word, if the call is over.
        """
        await self._handling.say(text, interruptible=interruptible)

    @action
    async def hang_up(self, goodbye: str | None = None, *, at_once: bool = False) -> None:
        """End the call, after the goodbye, if any, has been played to its end.

        `at_once` interrupts current speech first, except an earlier goodbye said `at_once`.
        """
        await self._handling.hang_up(goodbye, at_once=at_once)

    @action
    async def transfer(
        self, to: str, *, announcement: str | None = None, summary: str | None = None
    ) -> None:
        """Transfer the call to a target named in host.toml; if it is taken, the persona leaves.

        The announcement is played to its end first; None: the one of host.toml, empty: none. A
        warm transfer tells the colleague the `summary` before connecting the caller. Raises
        HostError if the target is unknown or does not accept; the conversation then continues.
        """
        await self._handling.transfer(to, announcement=announcement, summary=summary)

    @action
    async def hand_over(self, to: str, *, note: str = "") -> None:
        """Hand the call over to another persona, one of `hands_over_to` in host.toml.

        Returns once the other persona has the call; it speaks after what is being said. The `note`
        tells it what for. Raises HostError, one sentence, if the persona is not listed, is broken,
        or has no capacity, or after `max_handovers`; this persona then keeps the call.
        """
        await self._handling.hand_over(to, note=note)

    @action
    async def press(self, digits: str, *, private: bool = False) -> None:
        """Send DTMF keys, `0123456789*#ABCD`; `w` pauses 0.5 s, `,` pauses 2 s: `1w2,,345#`.

        Returns when the last key has been sent. `private` keys are masked in records and logs.
        Raises HostError before the first key if a key is invalid, the call is not answered, or
        the keys could dial a number that the gate refuses (unless `keys_may_dial` is set).
        """
        await self._handling.press(digits, private=private)

    def hold(self) -> None:
        """Report that the far end has put the call on hold, as by music without an announcement.

        The persona keeps silent until the far end speaks or presses a key, at most `hold_timeout`.
        """
        self._handling.hold.begin("reported by the persona or a plugin")

    def unrecorded(self) -> AbstractAsyncContextManager[None]:
        """Pause the recording for an `async with` block, such as while a card number is given.

        What both sides say is silence in the recording, `[not recorded]` in the transcript, and in
        no log; keys and tools are masked. The model still hears it. Also without a recording.
        """
        return self._handling.unrecorded.block()

    @action
    async def pause_recording(self) -> None:
        """Pause the recording as `unrecorded` does, until `resume_recording`."""
        await self._handling.unrecorded.pause()

    @action
    async def resume_recording(self) -> None:
        """End the pause once both sides are silent, within 5 s; a block does so at its end."""
        await self._handling.unrecorded.resume()

    @action
    async def stop_recording(self, *, discard: bool = False) -> None:
        """End the recording for the rest of the call; `discard` deletes audio and words so far."""
        await self._handling.unrecorded.stop(discard=discard)

    @action
    async def opt_out(self) -> None:
        """Add the far end's number to the do-not-call list; every later call to it is blocked.

        Raises HostError if the number is unknown or the list can't be written.
        """
        await self._handling.opt_out()

    @action
    async def call_back(self, when: datetime, *, within: float = 7200) -> datetime:
        """Have the host call the far end back, with this persona, from `when` on.

        A time without a zone is the far end's, see `local_time`. Returns when the gate allows it
        first, within so many seconds. A second time replaces the first. Raises HostError, one
        sentence, if the number is unknown, or the gate allows no call then.
        """
        return await self._handling.call_back(when, within)

    @action
    async def meet_machine(self) -> None:
        """Confirm that a machine has answered, then apply the persona's voicemail policy."""
        await self._handling.meet_machine()

    def spawn(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        """Run a background task that is cancelled when the call ends; `what` names it in logs."""
        return self._handling.spawn(work, what)

    # Dependencies

    @property
    def session(self) -> AgentSession[Any] | None:
        """LiveKit's AgentSession; None before it is created."""
        return self._handling.session

    @property
    def job(self) -> JobContext | None:
        """LiveKit's JobContext; None in a conversation in text."""
        return self._handling.job

    @property
    def settings(self) -> Settings:
        """The deployment's settings."""
        return self._handling.settings

    @property
    def persona_settings(self) -> PersonaSettings:
        """The settings of the persona that has the call, from host.toml."""
        return self._handling.persona_settings

    @property
    def hooks(self) -> Hooks:
        """All hooks, implemented by the plugins and this call's persona."""
        return self._handling.hooks
