"""A call under way, as the host has it: its state, and the parts that it is made of."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Literal

from host.base.clock import now
from host.base.errors import HostError
from host.base.tasks import Tasks
from host.call.answers import ScreeningPolicy, VoicemailPolicy
from host.call.call import Call
from host.call.events import Events
from host.call.keypad import MASK, Keypad
from host.call.parts import (
    FarEnd,
    FirstWords,
    Hooks,
    PromptPlayer,
    Recorder,
    Transfers,
    VoicemailWatch,
)
from host.call.speech import say_exactly
from host.call.state import CallState
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import KeyPress, Usage
from host.settings import PersonaSettings, Settings

if TYPE_CHECKING:
    from livekit.agents import AgentSession, JobContext
    from livekit.agents.voice import SpeechHandle

    from host.compliance import Gate

log = logging.getLogger("host")

LINGER = 0.4
"""Seconds between the last sample that we sent and the next act: it is still on its way."""


class LiveCall:
    """One call under way. The runner owns it; what works on a call is given it."""

    def __init__(
        self,
        settings: Settings,
        state: CallState | None = None,
        *,
        persona: str | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        self.settings = settings
        self.state = state or CallState()
        self.persona_settings = PersonaSettings()
        """What host.toml says of the persona."""
        self.details: Any = None
        """What the persona's `parse_metadata` answered."""
        self.job: JobContext | None = None
        """LiveKit's JobContext; None in a text chat."""
        self.session: AgentSession[Any] | None = None
        """LiveKit's AgentSession, once the call has one."""
        self.far_end: FarEnd | None = None
        """None in a text chat."""
        self.transfers: Transfers | None = None
        """None in a text chat."""
        self.recorder: Recorder | None = None
        """None where the call is not recorded."""
        self.prompt_player: PromptPlayer | None = None
        self.first_words: FirstWords | None = None
        self.voicemail_watch: VoicemailWatch | None = None
        self.keypad = Keypad(self)
        self.call = Call(self)
        """What hooks are given."""
        self.events = Events(self)
        self.time_left: float | None = None
        """Seconds of talk that the persona has left today; None where it has no such limit."""
        self.giving_up = False
        """True once the call can't go on: it is apologised for, and ends or is handed over."""
        self.hangup_ending: Ending | None = None
        """What it means if the far end hangs up now; None: what it usually means."""
        self.transcript_changed = asyncio.Event()
        """Set when something was said: what comes next may be the end of this process."""
        self.usage_by_session: dict[int, list[Usage]] = {}
        """What each session used, by its id: one, and one for each consultation."""
        self._ending: asyncio.Future[Ending] | None = None
        self._holding = 0
        self._beside = Tasks()
        self._hooks: Hooks | None = None
        self._gate: Gate | None = None
        if persona is not None and hooks is not None:
            self.take(persona, hooks)

    def take(self, persona: str, hooks: Hooks) -> None:
        """Give the call to its persona."""
        self.state.persona, self._hooks = persona, hooks
        self.persona_settings, self._gate = self.settings.persona(persona), None

    def __repr__(self) -> str:
        state = self.state
        way = "to" if state.outbound else "from"
        return f"<Call {state.persona or 'without a persona'} {way} {state.number or 'unknown'}>"

    @property
    def persona(self) -> str:
        """Name of the persona that has the call; empty before one has it."""
        return self.state.persona or ""

    @property
    def has_hooks(self) -> bool:
        """True once a persona has the call."""
        return self._hooks is not None

    @property
    def hooks(self) -> Hooks:
        """Every hook, answered by the plugins and this call's persona alone."""
        if self._hooks is None:
            raise RuntimeError("the call has no persona yet")
        return self._hooks

    @property
    def replies_held(self) -> bool:
        """True while the host itself has the word, so that nobody answers what is heard."""
        return self._holding > 0

    @contextlib.contextmanager
    def hold_replies(self) -> Iterator[None]:
        """Keep the model from answering what is heard meanwhile."""
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1

    @property
    def time_limit(self) -> float:
        """Seconds that the call may last."""
        limit = self.persona_settings.max_duration
        return limit if self.time_left is None else min(limit, self.time_left)

    @property
    def telephone(self) -> bool:
        """True where the far end is a telephone, not a browser or an app."""
        return self.far_end is not None and self.far_end.telephone

    @property
    def gate(self) -> Gate:
        """Judges what this call wants to have dialled."""
        from host.compliance import Gate  # here, so that `host` need not wait for numbering plans

        if self._gate is None:
            self._gate = Gate(self.settings, self.persona_settings)
        return self._gate

    # What is done with it

    async def say(self, text: str, *, interruptible: bool = True) -> None:
        """Speak exact words; returns when they were heard to their end, or interrupted."""
        await self.speak(text, interruptible=interruptible).wait_for_playout()

    def speak(self, text: str, *, interruptible: bool = True) -> SpeechHandle:
        """Begin to speak exact words; returns at once, with LiveKit's handle of them."""
        if self.session is None:
            raise RuntimeError("the call has no session to speak with yet")
        return say_exactly(self.session, text, interruptible=interruptible)

    async def hang_up(self, goodbye: str | None = None, *, at_once: bool = False) -> None:
        """End the call. The goodbye, if any, is heard to its end first; see `Call`."""
        if at_once:
            if self.giving_up:
                return  # it is being ended: a second goodbye would break the first one off
            self.giving_up = True
            if self.session and self.session.current_speech:
                await self.session.interrupt(force=True)
        if goodbye and not self.over:
            await self.say(goodbye, interruptible=False)
        self.end(Ending(Outcome.COMPLETED, "persona", f"{self.persona or 'the host'} hung up"))

    async def transfer(
        self, to: str, *, announcement: str | None = None, summary: str | None = None
    ) -> None:
        """Hand the call over to a target that host.toml names. Raises HostError; see `Call`."""
        target = self.persona_settings.transfers.get(to)
        if target is None:
            known = ", ".join(sorted(self.persona_settings.transfers)) or "none"
            raise HostError(f"{self.persona} has no transfer target {to!r} (known: {known})")
        if self.transfers is None or not (target.warm or self.telephone):
            raise HostError("only telephone calls can be transferred")
        if announcement is None:
            announcement = self.persona_settings.words.transfer.format(name=to)
        await self.transfers.hand_over(to, target, announcement, summary or "")

    async def press(self, digits: str, *, private: bool = False) -> None:
        """Press keys. Raises HostError; see `Call`."""
        if self.far_end is None:
            raise HostError("the call has no telephone line to press keys on")
        private = private or self.persona_settings.mask_digits
        if private:
            self.keypad.keep_secret(digits)
        await self.far_end.press(digits, private=private)

    async def opt_out(self) -> None:
        """Put the far end's number on the do-not-call list. Raises HostError; see `Call`."""
        number, ours = self.state.number or "", self.state.our_number
        await asyncio.to_thread(self.gate.opt_out, number, ours)
        log.info("the %s was added to the do-not-call list", self.state.other_party)

    def note_key(
        self, who: Literal["persona", "caller"], digit: str, *, private: bool = False
    ) -> KeyPress:
        """Keep a key for the record, masked where it is private."""
        masked = private or self.persona_settings.mask_digits
        self.state.keys.append(KeyPress(at=now(), who=who, digit=MASK if masked else digit))
        return self.state.keys[-1]

    async def meet_machine(self) -> None:
        """Make sure that a machine has answered, and do what the persona's policy says of it."""
        if self.voicemail_watch is None:
            raise HostError("only an outbound call can reach an answering machine")
        await self.voicemail_watch.meet_machine()

    @property
    def voicemail_policy(self) -> VoicemailPolicy:
        """The answer of the `voicemail_policy` hook."""
        policy: VoicemailPolicy = self.hooks.voicemail_policy(call=self.call)
        return policy

    @property
    def screening_policy(self) -> ScreeningPolicy:
        """The answer of the `screening_policy` hook."""
        policy: ScreeningPolicy = self.hooks.screening_policy(call=self.call)
        return policy

    # How it ends

    @property
    def over(self) -> bool:
        """True once the call has an ending."""
        return self._ending is not None and self._ending.done()

    @property
    def ending(self) -> asyncio.Future[Ending]:
        """Resolves once, when the call is over."""
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_future()
        return self._ending

    def end(self, ending: Ending) -> None:
        """Say that the call is over. Only the first ending counts."""
        if not self.ending.done():
            self.state.mark("ended")
            log.info("call ended: %s, by %s: %s", ending.outcome, ending.by, ending.reason)
            self.ending.set_result(ending)

    # What happens in it

    def spawn(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        """Do something beside the conversation; it ends with the call."""
        return self._beside.start(work, what)

    async def settle(self, limit: float) -> None:
        """Stop what runs beside the conversation; let events that are being told be told."""
        self._beside.cancel()
        await self.events.finish(limit)
