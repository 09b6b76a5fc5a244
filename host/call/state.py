"""What is known of a call while it lasts: plain data."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import ConfigDict, Field

from host.base.clock import now
from host.records.ending import Ending
from host.records.record import (
    CallRecord,
    KeyPress,
    ToolUse,
    Transfer,
    Usage,
    Utterance,
    Written,
)

Moment = Literal["dialled", "ringing", "answered", "first_word", "ended"]
"""What happens once in a call."""


class CallStatus(StrEnum):
    """What the telephone line of a call does, as LiveKit's `sip.callStatus` says it."""

    DIALING = "dialing"
    RINGING = "ringing"
    AUTOMATION = "automation"
    ACTIVE = "active"
    HANGUP = "hangup"


class AnsweredBy(StrEnum):
    """What answered a call that we placed: LiveKit's AMDCategory, and call screeners."""

    HUMAN = "human"
    MACHINE_VM = "machine-vm"
    MACHINE_UNAVAILABLE = "machine-unavailable"
    MACHINE_IVR = "machine-ivr"
    SCREENING = "screening"
    UNCERTAIN = "uncertain"

    @property
    def machine(self) -> bool:
        """True for a mailbox, whether or not it takes messages, and for a menu."""
        return self.value.startswith("machine-")


class CallState(Written):
    """What is known of a call: its record is made from it, and it is what a checkpoint holds."""

    model_config = ConfigDict(validate_assignment=True)  # what a provider sent is written down

    id: str = ""
    """LiveKit's job id."""
    room: str = ""
    persona: str | None = None
    """None until a persona has the call."""
    outbound: bool = False
    metadata: dict[str, Any] = {}
    """The dispatch's."""
    number: str | None = None
    """The far end's number. Anybody can forge a caller ID: it proves nothing."""
    caller_name: str | None = None
    """The name that the far end shows, unproven like its number."""
    our_number: str | None = None
    """The number that was dialled (inbound), or is shown (outbound)."""
    status: CallStatus = CallStatus.RINGING
    dispatched_at: datetime = Field(default_factory=now)
    dialled_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    first_word_at: datetime | None = None
    ended_at: datetime | None = None
    voicemail: AnsweredBy | None = None
    """What answered; None where nobody listened for it."""
    voicemail_reason: str | None = None
    greeted: bool = False
    """Whether the greeting has begun."""
    transcript: list[Utterance] = []
    tools: list[ToolUse] = []
    keys: list[KeyPress] = []
    transfers: list[Transfer] = []
    usage: list[Usage] = []
    recording: str | None = None
    """The file of the recorded call, once there is one."""
    recordings: list[str] = []
    """The files that its recording was begun in: one more each time that the call is taken over."""
    taken_over: int = 0
    """How often the call was taken over, because the process that had it died."""
    agent: str | None = None
    """Our own identity in the room."""
    far_end: str | None = None
    """The far end's identity in the room."""
    colleague: tuple[str, str] | None = None
    """Identity and name of the colleague whom the far end talks with, once it was handed over."""

    @property
    def answered(self) -> bool:
        """True once somebody, or something, has picked up."""
        return self.answered_at is not None

    @property
    def other_party(self) -> str:
        """What the far end is called: the caller, or the callee of a call that we placed."""
        return "callee" if self.outbound else "caller"

    @property
    def connected(self) -> bool:
        """True once the far end talks with a colleague, and the persona is out of the call."""
        return self.colleague is not None

    @property
    def lasted(self) -> float:
        """Seconds from the answer to now, or to the end; 0 before it."""
        until = self.ended_at or now()
        return (until - self.answered_at).total_seconds() if self.answered_at else 0.0

    def mark(self, moment: Moment) -> None:
        """Remember when something happened for the first time."""
        if getattr(self, f"{moment}_at") is None:
            setattr(self, f"{moment}_at", now())

    def record(self, ending: Ending) -> CallRecord:
        """Write down the call with its ending."""
        answered, ended = self.answered_at, self.ended_at or now()
        return CallRecord(
            id=self.id,
            room=self.room,
            persona=self.persona or None,
            direction="outbound" if self.outbound else "inbound",
            number=self.number,
            our_number=self.our_number,
            outcome=ending.outcome,
            ended_by=ending.by,
            reason=ending.reason,
            sip_status=ending.sip_status,
            retryable=ending.worth_a_retry,
            dispatched_at=self.dispatched_at,
            dialled_at=self.dialled_at,
            ringing_at=self.ringing_at,
            answered_at=answered,
            first_word_at=self.first_word_at,
            ended_at=ended,
            duration=_seconds(answered, ended) or 0.0,
            ring_time=_seconds(self.dialled_at or self.ringing_at, answered),
            time_to_first_word=_seconds(answered, self.first_word_at),
            voicemail=self.voicemail,
            voicemail_reason=self.voicemail_reason,
            transcript=self.transcript,
            tools=self.tools,
            keys=self.keys,
            transfers=self.transfers,
            usage=self.usage,
            taken_over=self.taken_over,
            recording=self.recording,
            error=ending.error,
        )


def _seconds(begun: datetime | None, ended: datetime | None) -> float | None:
    if begun is None or ended is None:
        return None
    return round(max((ended - begun).total_seconds(), 0.0), 3)
