"""`CallState`: a call's facts as plain data, and the record made from them.

One module in spite of its length: most of it is fields, and the record that repeats them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict, Field

from host.base.clock import now
from host.records.ending import Ending
from host.records.record import (
    CallRecord,
    KeyPress,
    MenuChoice,
    OperatorShare,
    PersonaShare,
    ToolUse,
    Transfer,
    Usage,
    Utterance,
    Written,
)

Moment = Literal["dialled", "ringing", "answered", "first_word", "ended"]
"""Events that happen once in a call."""


Share = TypeVar("Share", PersonaShare, OperatorShare)


class CallStatus(StrEnum):
    """The SIP call status: values of LiveKit's `sip.callStatus` attribute."""

    DIALING = "dialing"
    RINGING = "ringing"
    AUTOMATION = "automation"
    ACTIVE = "active"
    HANGUP = "hangup"


class AnsweredBy(StrEnum):
    """What answered an outbound call: values of LiveKit's AMDCategory, and two of the host's."""

    HUMAN = "human"
    MACHINE_VM = "machine-vm"
    MACHINE_UNAVAILABLE = "machine-unavailable"
    MACHINE_IVR = "machine-ivr"
    SCREENING = "screening"
    ANNOUNCEMENT = "announcement"
    UNCERTAIN = "uncertain"

    @property
    def machine(self) -> bool:
        """True for a mailbox, an unavailable one, an IVR menu and a network announcement."""
        return self.value.startswith("machine-") or self is AnsweredBy.ANNOUNCEMENT


class CallState(Written):
    """The facts of a call: its record is made from them and its checkpoint stores them."""

    model_config = ConfigDict(validate_assignment=True)  # providers' values end up in the record

    id: str = ""
    """LiveKit's job id."""
    room: str = ""
    persona: str | None = None
    """The persona that has the call; None until one is chosen."""
    personas: list[PersonaShare] = []
    """Personas that had the call, in order; the last one has it."""
    note: str = ""
    """What the persona before told this one on handing over."""
    headers: dict[str, str] = {}
    """SIP headers of the far end, as LiveKit SIP shows them."""
    outbound: bool = False
    metadata: dict[str, Any] = {}
    """The dispatch's metadata."""
    number: str | None = None
    """The far end's number. Caller IDs can be forged: it authorises nothing."""
    caller_name: str | None = None
    """The name that the caller's side shows, as unverified as the number."""
    our_number: str | None = None
    """The number that the caller dialled (inbound), or the one shown to the callee (outbound)."""
    trunk: str | None = None
    """ID of the LiveKit trunk by which the call came or went, once it is known."""
    status: CallStatus = CallStatus.RINGING
    dispatched_at: datetime = Field(default_factory=now)
    dialled_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    first_word_at: datetime | None = None
    ended_at: datetime | None = None
    voicemail: AnsweredBy | None = None
    """What answered; None if detection did not run."""
    voicemail_reason: str | None = None
    sounded: bool = False
    """Whether the far end has made a sound like speech since the answer, understood or not."""
    sounded_back: bool = False
    """Whether it has begun such a sound since the persona first spoke."""
    greeted: bool = False
    """Whether the greeting has started."""
    transcript: list[Utterance] = []
    tools: list[ToolUse] = []
    keys: list[KeyPress] = []
    menus: list[MenuChoice] = []
    transfers: list[Transfer] = []
    operators: list[OperatorShare] = []
    """Times in which an operator had the call; the last one lasts if it has no end."""
    usage: list[Usage] = []
    opted_out: bool = False
    callback: str | None = None
    """The ID of the callback that was agreed on."""
    """Whether the far end was put on the do-not-call list in this call."""
    results: dict[str, Any] = {}
    """What personas and plugins put into `call.results`, and the conclusions."""
    conclusions_error: str | None = None
    """Why the call has no conclusions, if its persona asked for some."""
    recording: str | None = None
    """The recording's file, once it exists."""
    recordings: list[str] = []
    """Files in which the recording was started: one for each process that had the call."""
    unrecorded_since: datetime | None = None
    """When the recording was paused or stopped; None while what is said is recorded."""
    recording_stopped_at: datetime | None = None
    """When the recording was stopped for the rest of the call."""
    recording_discarded: bool = False
    """Whether what was recorded was to be deleted."""
    taken_over: int = 0
    """How many times another process took the call over after a crash."""
    agent: str | None = None
    """The agent's participant identity."""
    far_end: str | None = None
    """The far end's participant identity."""
    colleague: tuple[str, str] | None = None
    """Identity and name of the colleague that the call was handed over to."""
    on_hold_since: datetime | None = None
    """When the far end put the call on hold; None while it is not on hold."""
    hold_ended: bool = False
    """Whether the call was on hold, and then was not any more."""

    @property
    def reference(self) -> str | None:
        """The `reference` of the metadata; None if it has none."""
        return _text(self.metadata.get("reference"))

    @property
    def idempotency_key(self) -> str | None:
        """The idempotency key of the metadata; None if it has none."""
        return _text(self.metadata.get("idempotency_key"))

    @property
    def answered(self) -> bool:
        """True once a person or a machine has answered."""
        return self.answered_at is not None

    @property
    def only_early_media(self) -> bool:
        """True while nobody has answered a dial: what is heard then is the network's.

        LiveKit SIP presses the keys of a dial after the answer (`automation`).
        """
        automation = self.status is CallStatus.AUTOMATION
        return self.outbound and not self.answered and not automation

    @property
    def other_party(self) -> str:
        """The far end's role: `caller`, or `callee` on an outbound call."""
        return "callee" if self.outbound else "caller"

    @property
    def connected(self) -> bool:
        """True once the far end talks to a colleague and the persona has left the call."""
        return self.colleague is not None

    @property
    def lasted(self) -> float:
        """Seconds from the answer to the end, or to now; 0 before the answer."""
        until = self.ended_at or now()
        return (until - self.answered_at).total_seconds() if self.answered_at else 0.0

    @property
    def names(self) -> list[str]:
        """The names of all personas that had the call, in order."""
        shared = [share.name for share in self.personas]
        return shared or ([self.persona] if self.persona else [])

    @property
    def owner(self) -> str | None:
        """The persona that has the call, also while another one is asked whether it takes it."""
        return self.names[-1] if self.names else None

    @property
    def handed_over_by(self) -> str | None:
        """The persona that handed the call to this one; None for the first."""
        return self.personas[-2].name if len(self.personas) > 1 else None

    def persona_at(self, at: datetime) -> str:
        """Return the persona that had the call at a time; the first one before it had it."""
        had = [share.name for share in self.personas if share.since <= at]
        return had[-1] if had else (self.names or [""])[0]

    def begin_share(self, persona: str) -> None:
        """Note that a persona has the call from now on."""
        at = now()
        if self.personas:
            self.personas[-1].until = at
        self.persona = persona
        self.personas.append(PersonaShare(name=persona, since=at))

    def share_id(self, persona: str) -> str:
        """Return the id under which a persona's share is counted: the call's for the first."""
        first = self.personas[0].name if self.personas else persona
        return self.id if persona == first else f"{self.id} {persona}"

    def talked_with(self, persona: str) -> float:
        """Seconds from the answer in which a persona had the call, in all its shares."""
        if self.answered_at is None or not self.personas:
            return self.lasted
        ended, total = self.ended_at or now(), 0.0
        for share in self.personas:
            if share.name == persona:
                begun = max(share.since, self.answered_at)
                total += max(((share.until or ended) - begun).total_seconds(), 0.0)
        return total

    def mark(self, moment: Moment) -> None:
        """Set the moment's timestamp, if it is not set yet."""
        if getattr(self, f"{moment}_at") is None:
            setattr(self, f"{moment}_at", now())

    def record(self, ending: Ending) -> CallRecord:
        """Build the call's record with this ending."""
        answered, ended = self.answered_at, self.ended_at or now()
        return CallRecord(
            id=self.id,
            room=self.room,
            persona=self.personas[0].name if self.personas else self.persona or None,
            direction="outbound" if self.outbound else "inbound",
            number=self.number,
            our_number=self.our_number,
            reference=self.reference,
            idempotency_key=self.idempotency_key,
            outcome=ending.outcome,
            ended_by=ending.by,
            reason=ending.reason,
            sip_status=ending.sip_status,
            retryable=ending.worth_a_retry,
            retry_at=ending.retry_at and ending.retry_at.astimezone(UTC),
            dispatched_at=self.dispatched_at,
            dialled_at=self.dialled_at,
            ringing_at=self.ringing_at,
            answered_at=answered,
            first_word_at=self.first_word_at,
            ended_at=ended,
            duration=_seconds(answered, ended) or 0.0,
            ring_time=_seconds(self.ringing_at or self.dialled_at, answered),
            time_to_first_word=_seconds(answered, self.first_word_at),
            voicemail=self.voicemail,
            voicemail_reason=self.voicemail_reason,
            transcript=self.transcript,
            tools=self.tools,
            keys=self.keys,
            menus=self.menus,
            transfers=self.transfers,
            personas=_closed(self.personas, ended),
            operators=_closed(self.operators, ended),
            usage=self.usage,
            opted_out=self.opted_out,
            results=self.results,
            conclusions_error=self.conclusions_error,
            taken_over=self.taken_over,
            recording=self.recording,
            recording_stopped_at=self.recording_stopped_at,
            recording_discarded=self.recording_discarded,
            error=ending.error,
        )


def _closed(shares: Sequence[Share], ended: datetime) -> list[Share]:
    """Return shares of a call that is over: the last one lasted until its end."""
    return [share if share.until else share.model_copy(update={"until": ended}) for share in shares]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _seconds(begun: datetime | None, ended: datetime | None) -> float | None:
    if begun is None or ended is None:
        return None
    return round(max((ended - begun).total_seconds(), 0.0), 3)
