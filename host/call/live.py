"""`LiveCall`: a call in progress, with its state and its components.

One module in spite of its length: it is the one object that all components share, and most of it
is attributes and short delegations.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Literal

from host.base.clock import now
from host.base.errors import HostError
from host.base.tasks import Tasks
from host.call.answers import ScreeningPolicy, VoicemailPolicy
from host.call.call import Call
from host.call.callback import call_back
from host.call.dispatch import Dispatch
from host.call.events import Events
from host.call.facts import facts_of
from host.call.hold import Hold
from host.call.keypad import MASK, Keypad
from host.call.parts import (
    FarEnd,
    FirstWords,
    Handovers,
    Hooks,
    Listening,
    LiveEvents,
    PromptPlayer,
    Recorder,
    RenderedSpeech,
    ToolResults,
    Transfers,
    VoicemailWatch,
)
from host.call.reached import truthful
from host.call.results import Results
from host.call.speech import say_exactly
from host.call.state import CallState
from host.call.unrecorded import Unrecorded
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import KeyPress, Usage
from host.settings import PersonaSettings, Settings

if TYPE_CHECKING:
    from datetime import datetime

    from livekit.agents import AgentSession, JobContext
    from livekit.agents.voice import SpeechHandle

    from host.compliance import Gate

log = logging.getLogger("host")

LINGER = 0.4
"""Seconds to wait after our last audio sample, so that it arrives before the next action."""


class LiveCall:
    """A call in progress. The runner owns it and passes it to the components."""

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
        """The persona's settings, from host.toml."""
        self.details: Any = None
        """The answer of the first persona's `parse_metadata` hook."""
        self.job: JobContext | None = None
        """LiveKit's JobContext; None in a conversation in text."""
        self.session: AgentSession[Any] | None = None
        """LiveKit's AgentSession; None before it is created."""
        self.far_end: FarEnd | None = None
        """None before the room is joined."""
        self.transfers: Transfers | None = None
        """None before the room is joined."""
        self.handovers: Handovers | None = None
        """None without a session."""
        self.on_handover: list[Callable[[], None]] = []
        """Called once the session has the models of another persona, which has the call now."""
        self.recorder: Recorder | None = None
        """None if the call is not recorded."""
        self.prompt_player: PromptPlayer | None = None
        self.rendered: RenderedSpeech | None = None
        """None before the session is created, and in text."""
        self.first_words: FirstWords | None = None
        self.listening: Listening | None = None
        """None with a model that hears by itself, and in text."""
        self.tool_results: ToolResults | None = None
        """None before the session is created."""
        self.voicemail_watch: VoicemailWatch | None = None
        self.keypad = Keypad(self)
        self.transcript_changed = asyncio.Event()
        """Set after each utterance and result, so that a checkpoint is written before the process
        can die."""
        self.results = Results(self.state, self.keypad.hide, self.transcript_changed.set)
        self.call = Call(self)
        """The argument of every hook."""
        self.events = Events(self)
        self.live_events: LiveEvents | None = None
        """None in a conversation in text."""
        self.hold = Hold(self)
        self.unrecorded = Unrecorded(self)
        """Pauses and the end of the recording."""
        self.time_left: float | None = None
        """Seconds of talk left in the persona's daily budget; None: no budget."""
        self.greeting_over = asyncio.Event()
        """Set once the greeting has been spoken, or broken off."""
        self.giving_up = False
        """True once the call can't continue: the host apologises, then ends it or hands it over."""
        self.bridged = False
        """True while the far end talks to a colleague and the persona may still come back."""
        self.hangup_ending: Ending | None = None
        """The ending to record if the far end hangs up now; None: the default one."""
        self.save: Callable[[], None] = lambda: None
        """Writes the checkpoint at once."""
        self.on_left: Callable[[], None] = lambda: None
        """Called once the call has left its room."""
        self.usage_by_session: dict[int, list[Usage]] = {}
        """Usage by session id: the conversation's, and one for each consultation."""
        self._ending: asyncio.Future[Ending] | None = None
        self._holding = 0
        self._beside = Tasks()
        self._hooks: Hooks | None = None
        self._gate: Gate | None = None
        if persona is not None and hooks is not None:
            self.take(persona, hooks)

    def take(self, persona: str, hooks: Hooks) -> None:
        """Assign the call to a persona."""
        self.state.persona, self._hooks = persona, hooks
        self.persona_settings, self._gate = self.settings.persona(persona), None

    def __repr__(self) -> str:
        state = self.state
        way = "to" if state.outbound else "from"
        return f"<Call {state.persona or 'without a persona'} {way} {state.number or 'unknown'}>"

    @property
    def persona(self) -> str:
        """The persona's name; empty until one is chosen."""
        return self.state.persona or ""

    @property
    def has_hooks(self) -> bool:
        """True once a persona is chosen."""
        return self._hooks is not None

    @property
    def hooks(self) -> Hooks:
        """All hooks of the plugins and this persona. RuntimeError without a persona."""
        if self._hooks is None:
            raise RuntimeError("the call has no persona yet")
        return self._hooks

    @property
    def replies_held(self) -> bool:
        """True while the host speaks for itself and the model must not reply."""
        return self._holding > 0

    @contextlib.contextmanager
    def hold_replies(self) -> Iterator[None]:
        """Suppress the model's replies inside the block."""
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1

    @property
    def off_record(self) -> bool:
        """True while nothing that is said or pressed is recorded."""
        return self.unrecorded.active

    @property
    def awaits_tool(self) -> bool:
        """True while a tool runs that no longer holds up the conversation."""
        return self.tool_results is not None and self.tool_results.pending

    @property
    def time_limit(self) -> float:
        """Maximum seconds for which the persona may have the call, in all its shares."""
        limit = self.persona_settings.max_duration
        return limit if self.time_left is None else min(limit, self.time_left)

    @property
    def time_remaining(self) -> float:
        """Seconds left of `time_limit`; negative once it is exceeded."""
        return self.time_limit - self.state.talked_with(self.persona)

    @property
    def telephone(self) -> bool:
        """True if the far end is a telephone; False for a browser or an app."""
        return self.far_end is not None and self.far_end.telephone

    @property
    def dtmf(self) -> str:
        """Keys that LiveKit presses after the answer of this dial; empty: none."""
        return Dispatch(metadata=self.state.metadata).dtmf if self.state.outbound else ""

    @property
    def gate(self) -> Gate:
        """The compliance gate of this persona."""
        from host.compliance import Gate  # here, so that `import host` does not load phonenumbers

        if self._gate is None:
            self._gate = Gate(self.settings, self.persona_settings)
        return self._gate

    # Actions

    async def say(self, text: str, *, interruptible: bool = True) -> None:
        """Speak exact words. Returns when playout has finished or was interrupted.

        Returns at once if the call is over: its session may already be closing.
        """
        if self.over:
            await asyncio.sleep(0)  # a caller that loops lets the call end
            return
        await self.speak(text, interruptible=interruptible).wait_for_playout()

    def speak(self, text: str, *, interruptible: bool = True) -> SpeechHandle:
        """Start to speak exact words; returns LiveKit's SpeechHandle. RuntimeError: no session."""
        if self.session is None:
            raise RuntimeError("the call has no session to speak with yet")
        audio = self.rendered.audio_of(text) if self.rendered else None
        return say_exactly(self.session, text, interruptible=interruptible, audio=audio)

    async def hang_up(self, goodbye: str | None = None, *, at_once: bool = False) -> None:
        """End the call, after the goodbye; see `Call.hang_up`."""
        if at_once:
            if self.giving_up:
                return  # already ending: a second goodbye would interrupt the first
            self.giving_up = True
            if self.session and self.session.current_speech:
                await self.session.interrupt(force=True)
        if goodbye and not self.over:
            await self.say(goodbye, interruptible=False)
        self.end(Ending(Outcome.COMPLETED, "persona", f"{self.persona or 'the host'} hung up"))

    async def transfer(
        self, to: str, *, announcement: str | None = None, summary: str | None = None
    ) -> None:
        """Transfer the call to a target of host.toml; see `Call.transfer`. Raises HostError."""
        target = self.persona_settings.transfers.get(to)
        if target is None:
            known = ", ".join(sorted(self.persona_settings.transfers)) or "none"
            raise HostError(f"{self.persona} has no transfer target {to!r} (known: {known})")
        ways = (self.telephone or each.may_call for each in target.in_order())
        if self.transfers is None or not any(ways):
            raise HostError("only telephone calls can be transferred")
        if announcement is None:
            announcement = self.persona_settings.words.transfer.format(name=to)
        await self.transfers.hand_over(to, target, announcement, summary or "")

    async def hand_over(self, to: str, *, note: str = "") -> None:
        """Hand the call over to another persona; see `Call.hand_over`. Raises HostError."""
        if self.handovers is None:
            raise HostError("only a call with a conversation can be handed over")
        await self.handovers.hand_over(to, note)

    async def press(self, digits: str, *, private: bool = False) -> None:
        """Send DTMF keys; see `Call.press`. Raises HostError."""
        if self.far_end is None:
            raise HostError("the call has no telephone line to press keys on")
        private = private or self.persona_settings.mask_digits or self.off_record
        if private:
            self.keypad.keep_secret(digits)
        await self.far_end.press(digits, private=private)

    async def opt_out(self) -> None:
        """Add the far end's number to the do-not-call list; see `Call.opt_out`."""
        number, ours = self.state.number or "", self.state.our_number
        await asyncio.to_thread(self.gate.opt_out, number, ours)
        self.state.opted_out = True
        log.info("the %s was added to the do-not-call list", self.state.other_party)

    async def call_back(self, when: datetime, within: float) -> datetime:
        """Schedule a call to the far end; see `Call.call_back`."""
        return await asyncio.to_thread(call_back, self, when, within)

    def note_key(
        self, who: Literal["persona", "caller"], digit: str, *, private: bool = False
    ) -> KeyPress:
        """Append a key press to the record, masked if private, and return it."""
        masked = private or self.persona_settings.mask_digits or self.off_record
        self.state.keys.append(KeyPress(at=now(), who=who, digit=MASK if masked else digit))
        if who == "caller":
            self.hold.end("a key is pressed")
        return self.state.keys[-1]

    def facts(self) -> dict[str, Any]:
        """Return what is known of the call so far; see `Call.facts`."""
        return facts_of(self.state, self.settings)

    async def meet_machine(self) -> None:
        """Confirm that a machine has answered, then apply the persona's voicemail policy."""
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

    # Ending

    @property
    def over(self) -> bool:
        """True once the call has ended."""
        return self._ending is not None and self._ending.done()

    @property
    def ending(self) -> asyncio.Future[Ending]:
        """Future that resolves with the call's ending."""
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_future()
        return self._ending

    def end(self, ending: Ending) -> None:
        """End the call. Only the first ending counts, and only as far as it is truthful."""
        if not self.ending.done():
            ending = truthful(ending, self.state, self.session)
            self.state.mark("ended")
            log.info("call ended: %s, by %s: %s", ending.outcome, ending.by, ending.reason)
            self.ending.set_result(ending)

    # Background work

    def spawn(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        """Run a background task that is cancelled when the call ends; `what` names it in logs."""
        return self._beside.start(work, what)

    async def settle(self, limit: float) -> None:
        """Cancel background tasks; wait up to `limit` seconds for event hooks."""
        self._beside.cancel()
        await self.events.finish(limit)
