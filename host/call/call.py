"""One call: who, where, which way, how it stands, and what may be done with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from host.base.clock import now
from host.base.errors import HostError
from host.base.tasks import Tasks
from host.call.answers import ScreeningPolicy, VoicemailPolicy
from host.call.caller import Caller
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
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import CallRecord, KeyPress, ToolUse, Transfer, Usage, Utterance
from host.records.redaction import redacted
from host.settings import PersonaSettings, Settings

if TYPE_CHECKING:
    from livekit.agents import AgentSession, JobContext
    from livekit.agents.voice import SpeechHandle

    from host.compliance import Gate

log = logging.getLogger("host")

LINGER = 0.4
"""Seconds between the last sample that we sent and the next act: it is still on its way."""
EVENT_LIMIT = 10.0
"""Seconds that one event hook may take before the call goes on without it."""


class Call:
    """One call, as hooks see it."""

    def __init__(
        self,
        settings: Settings,
        *,
        id: str = "",
        room: str = "",
        persona: str | None = None,
        hook: Hooks | None = None,
        metadata: Mapping[str, Any] = MappingProxyType({}),
        outbound: bool = False,
        number: str | None = None,
        our_number: str | None = None,
    ) -> None:
        self.settings = settings
        self.id = id
        self.room = room
        self.metadata = metadata
        self.outbound = outbound
        self.number = number
        """The far end's number. Anybody can forge a caller ID: it proves nothing, see `caller`."""
        self.caller_name: str | None = None
        """The name that the far end shows, unproven like its number."""
        self.our_number = our_number
        """The number that was dialled (inbound), or is shown (outbound)."""
        self.details: Any = None
        """What the persona's `parse_metadata` answered."""
        self.state = SimpleNamespace()
        """Room for whatever personas and plugins want to keep for the length of the call."""
        self.status = "dialing" if outbound else "ringing"
        self.session: AgentSession[Any] | None = None
        """LiveKit's AgentSession, once the call has one."""
        self.job: JobContext | None = None
        """LiveKit's JobContext; None in a text chat."""
        self.voicemail: str | None = None
        """What answered, as CallRecord says; None where nobody listened for it."""
        self.voicemail_reason: str | None = None
        self.voicemail_watch: VoicemailWatch | None = None
        self.greeted = False
        self.transcript: list[Utterance] = []
        self.noted = asyncio.Event()
        """Set when something was said: what comes next may be the end of this process."""
        self.tools_used: list[ToolUse] = []
        self.keys: list[KeyPress] = []
        self.transfers: list[Transfer] = []
        self.usage: list[Usage] = []
        self.used: dict[int, list[Usage]] = {}
        """What each session of the call used, by its id: one, and one for each consultation."""
        self.recording: str | None = None
        """The file of the recorded call, once there is one."""
        self.keypad = Keypad(self)
        self.collect_digits = self.keypad.collect
        self.choose = self.keypad.choose
        self.times: dict[str, datetime] = {"dispatched": now()}
        self.line: FarEnd | None = None
        """The far end in LiveKit's room; None in a text chat."""
        self.handover: Transfers | None = None
        """Hands the call to somebody else; None in a text chat."""
        self.time_left: float | None = None
        """Seconds of talk that the persona has left today; None where it has no such limit."""
        self.taken_over = 0
        """How often the call was taken over, because the process that had it died."""
        self.connected = False
        """True once the far end talks with a colleague, and the persona is out of the call."""
        self.giving_up = False
        """True once the call can't go on: it is apologised for, and ends or is handed over."""
        self.room_voice: PromptPlayer | None = None
        """What speaks beside the session, without any provider."""
        self.recorder: Recorder | None = None
        """Records the call, where host.toml asks for it."""
        self.first_words: FirstWords | None = None
        """What the far end said and nobody has taken up yet."""
        self.if_hung_up: Ending | None = None
        """What it means if the far end hangs up now; None: what it usually means."""
        self._over: asyncio.Future[Ending] | None = None
        self._occupied = 0
        self._beside, self._telling = Tasks(), Tasks()
        self._persona: str | None = None
        self._hook: Hooks | None = None
        self._gate: Gate | None = None
        self.deployment = PersonaSettings()
        """What host.toml says of this persona."""
        if persona is not None and hook is not None:
            self.take(persona, hook)

    def take(self, persona: str, hook: Hooks) -> None:
        """Give the call to its persona."""
        self._persona, self._hook = persona, hook
        self.deployment, self._gate = self.settings.persona(persona), None

    def __repr__(self) -> str:
        way = "to" if self.outbound else "from"
        return f"<Call {self._persona or 'of nobody yet'} {way} {self.number or 'somebody'}>"

    @property
    def caller(self) -> Caller:
        """Who rings us, as they say: unverified. Nobody on a call that we place."""
        return Caller() if self.outbound else Caller(self.number, self.caller_name)

    @property
    def persona(self) -> str:
        """Name of the persona that has the call."""
        return self._persona or ""

    @property
    def hook(self) -> Hooks:
        """Every hook, answered by the plugins and this call's persona alone."""
        if self._hook is None:
            raise RuntimeError("the call has no persona yet")
        return self._hook

    @property
    def answered(self) -> bool:
        """True once somebody, or something, has picked up."""
        return "answered" in self.times

    @property
    def occupied(self) -> bool:
        """True while the host itself has the word, so that nobody answers what is heard."""
        return self._occupied > 0

    @contextlib.contextmanager
    def occupy(self) -> Iterator[None]:
        """Keep the model from answering what is heard meanwhile."""
        self._occupied += 1
        try:
            yield
        finally:
            self._occupied -= 1

    @property
    def lasted(self) -> float:
        """Seconds from the answer to now, or to the end; 0 before it."""
        answered, until = self.times.get("answered"), self.times.get("ended") or now()
        return (until - answered).total_seconds() if answered else 0.0

    @property
    def time_limit(self) -> float:
        """Seconds that the call may last."""
        limit = self.deployment.max_duration
        return limit if self.time_left is None else min(limit, self.time_left)

    @property
    def telephone(self) -> bool:
        """True where the far end is a telephone, not a browser or an app."""
        return self.line is not None and self.line.telephone

    @property
    def gate(self) -> Gate:
        """Judges what this call wants to have dialled."""
        from host.compliance import Gate  # here, so that `host` need not wait for numbering plans

        if self._gate is None:
            self._gate = Gate(self.settings, self.deployment)
        return self._gate

    # What may be done with a call

    async def say(self, text: str, *, interruptible: bool = True) -> None:
        """Speak exact words; returns when they were heard to their end, or interrupted."""
        await self.speak(text, interruptible=interruptible).wait_for_playout()

    def speak(self, text: str, *, interruptible: bool = True) -> SpeechHandle:
        """Begin to speak exact words; returns at once, with LiveKit's handle of them."""
        if self.session is None:
            raise RuntimeError("nothing can be said before the call has a session")
        return say_exactly(self.session, text, interruptible=interruptible)

    async def hang_up(self, goodbye: str | None = None) -> None:
        """End the call. The goodbye, if any, is heard to its end first."""
        if goodbye and not self.over:
            await self.say(goodbye, interruptible=False)
        self.end(Ending(Outcome.COMPLETED, "persona", f"{self.persona or 'The host'} hung up."))

    async def transfer(
        self, to: str, *, announcement: str | None = None, summary: str | None = None
    ) -> None:
        """Hand the call over to a target that host.toml names; the persona's part ends with it.

        The announcement is heard to its end before the caller is sent away; None is the one of
        host.toml, an empty one is none. A warm transfer tells the colleague the `summary` first.
        Raises HostError where the target is unknown or does not take the call; the conversation
        goes on then.
        """
        target = self.deployment.transfers.get(to)
        if target is None:
            known = ", ".join(sorted(self.deployment.transfers)) or "none"
            raise HostError(f"{to!r} is no transfer target of {self.persona} (known: {known})")
        if self.handover is None or not (target.warm or self.telephone):
            raise HostError("only a telephone call can be transferred")
        if announcement is None:
            announcement = self.deployment.words.transfer.format(name=to)
        await self.handover.hand_over(to, target, announcement, summary or "")

    async def press(self, digits: str, *, private: bool = False) -> None:
        """Press keys: 0123456789*#ABCD; `w` waits half a second, `,` two seconds: `1w2,,345#`.

        Returns when the last key is out. `private` ones are masked in records and logs. Raises
        HostError, before any key is pressed, where one is wrong, nobody has answered yet, or the
        keys could dial a number that may not be called (unless `keys_may_dial` is set).
        """
        if self.line is None:
            raise HostError("there is no line to press keys on")
        private = private or self.deployment.mask_digits
        if private:
            self.keypad.keep_secret(digits)
        await self.line.press(digits, private=private)

    async def opt_out(self) -> None:
        """Put the far end's number on the do-not-call list: from now on nobody dials it.

        Raises HostError where its number is not known, or can't be written down.
        """
        await asyncio.to_thread(self.gate.opt_out, self.number or "", self.our_number)
        log.info("the far end is on the do-not-call list from now on")

    def note_key(
        self, who: Literal["persona", "caller"], digit: str, *, private: bool = False
    ) -> KeyPress:
        """Keep a key for the record, masked where it is private."""
        masked = private or self.deployment.mask_digits
        self.keys.append(KeyPress(at=now(), who=who, digit=MASK if masked else digit))
        return self.keys[-1]

    async def meet_machine(self) -> None:
        """Make sure that a machine has answered, and do what the persona's policy says of it."""
        if self.voicemail_watch is None:
            raise HostError("only a call that we placed can have met a machine")
        await self.voicemail_watch.meet_machine()

    @property
    def voicemail_policy(self) -> VoicemailPolicy:
        """The answer of the `voicemail_policy` hook."""
        policy: VoicemailPolicy = self.hook.voicemail_policy(call=self)
        return policy

    @property
    def screening_policy(self) -> ScreeningPolicy:
        """The answer of the `screening_policy` hook."""
        policy: ScreeningPolicy = self.hook.screening_policy(call=self)
        return policy

    # How a call ends

    @property
    def over(self) -> bool:
        """True once the call has an ending."""
        return self._over is not None and self._over.done()

    @property
    def ending(self) -> asyncio.Future[Ending]:
        """Resolves once, when the call is over."""
        if self._over is None:
            self._over = asyncio.get_running_loop().create_future()
        return self._over

    def end(self, ending: Ending) -> None:
        """Say that the call is over. Only the first ending counts."""
        if not self.ending.done():
            self.mark("ended")
            log.info("call over: %s (%s) %s", ending.outcome, ending.by, ending.reason)
            self.ending.set_result(ending)

    # What happens in a call

    def mark(self, moment: str) -> None:
        """Remember when something happened for the first time."""
        self.times.setdefault(moment, now())

    def spawn(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        """Do something beside the conversation; it ends with the call."""
        return self._beside.start(work, what)

    def tell(self, event: str, **facts: Any) -> None:
        """Tell an event's hooks without waiting for them."""
        if self._hook is not None:
            self._telling.start(self.tell_all(event, **facts), event)

    async def tell_all(self, event: str, *, patiently: bool = False, **facts: Any) -> None:
        """Tell everyone of an event. One that fails or takes too long is logged and passed over.

        Told `patiently`, it may take as long as the call.
        """
        limit = None if patiently else EVENT_LIMIT
        await self._tell(event, getattr(self.hook, event), limit, facts)

    async def tell_end(self, record: CallRecord) -> None:
        """Tell everyone that the call has ended: the plugins first, so that its record is written
        even if the persona never comes back from it. What the settings do not open is masked."""
        record = redacted(record, self.deployment, self.settings.state_dir)
        for caller in self.hook.in_turn("call_ended"):
            await self._tell("call_ended", caller, EVENT_LIMIT, {"record": record})

    async def _tell(
        self, event: str, hook: Any, limit: float | None, facts: Mapping[str, Any]
    ) -> None:
        try:
            told: Sequence[Coroutine[Any, Any, None]] = hook(call=self, **facts)
        except Exception:
            log.exception("%s of %s failed", event, self.persona)
            return
        results = await asyncio.gather(
            *(asyncio.wait_for(one, limit) for one in told), return_exceptions=True
        )
        for result in results:
            if isinstance(result, Exception):
                log.error("%s of %s failed", event, self.persona, exc_info=result)

    async def settle(self, limit: float) -> None:
        """Stop what runs beside the conversation; let events that are being told be told."""
        self._beside.cancel()
        await self._telling.finish(limit)
