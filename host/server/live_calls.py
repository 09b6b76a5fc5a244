"""The live calls of a host, as their checkpoints tell: for the API and the command line.

Any process that may read `state_dir` can look at them. Numbers are masked as in call records.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from host.call.state import CallStatus
from host.call.status import LiveStatus, live_status
from host.privacy import Pseudonyms, mask_room, mask_words, without_secrets
from host.records.record import CallRecord, Direction
from host.records.redaction import masked_id, redacted
from host.runner.checkpoint import CheckpointStore, WrittenBy, opened
from host.settings import PersonaSettings, Settings


class LiveFacts(BaseModel):
    """A live call. Its numbers, its room and its other IDs are masked as in its record."""

    id: str
    """LiveKit's job id."""
    persona: str | None
    """The one that took the call first; None until one is chosen."""
    personas: list[str]
    """Personas that have had the call, in order; the last one has it."""
    direction: Direction
    status: LiveStatus
    number: str | None
    our_number: str | None
    reference: str | None
    idempotency_key: str | None
    room: str
    dispatched_at: datetime
    dialled_at: datetime | None
    ringing_at: datetime | None
    answered_at: datetime | None
    livekit_room: str = Field(exclude=True, repr=False)
    """The room's name as LiveKit knows it, which may contain a number."""

    @property
    def names(self) -> list[str]:
        """The names of all personas that had the call, as of a record."""
        return self.personas


class Unfinished(NamedTuple):
    """The calls of a host without a record in its call log, at one moment."""

    live: list[LiveFacts]
    ended: list[CallRecord]
    """Records that are about to be written, redacted."""


class _Metadata(BaseModel):
    """What is shown of a dispatch's metadata; its details are nobody's business."""

    reference: Any = None
    idempotency_key: Any = None


class _Share(BaseModel):
    name: str


class _State(BaseModel):
    """What is shown of a `CallState`; a long transcript is not parsed."""

    id: str
    room: str
    persona: str | None = None
    personas: list[_Share] = []
    outbound: bool = False
    metadata: _Metadata = _Metadata()
    number: str | None = None
    our_number: str | None = None
    status: CallStatus = CallStatus.RINGING
    dispatched_at: datetime
    dialled_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None

    @property
    def names(self) -> list[str]:
        """The names of all personas that had the call."""
        shared = [share.name for share in self.personas]
        return shared or ([self.persona] if self.persona else [])

    def theirs(self, id: Any, mask: Masks) -> str | None:
        """Return an ID of the metadata as the record will have it."""
        return mask.id(id, self.number, self.names) if isinstance(id, str) else None


class _Checkpoint(WrittenBy):
    state: _State
    record: CallRecord | None = None


class LiveCalls:
    """The live calls of the host with this `state_dir`. What has not changed is read once."""

    def __init__(self, settings: Settings, watched: Callable[[str], bool] | None = None) -> None:
        """`watched`: whether the call with an id has a process, or is in recovery.

        Without it, the process that wrote the checkpoint tells: it is alive.
        """
        self._mask, self._watched = Masks(settings), watched or (lambda call: False)
        self._folder = CheckpointStore(settings.state_dir).folder
        self._known: dict[Path, tuple[tuple[int, int], _Checkpoint]] = {}

    def use(self, settings: Settings) -> None:
        """Mask further calls as these settings say."""
        self._mask = Masks(settings)

    def read(self) -> Unfinished:
        """Return the live calls, newest first, and those that have just ended."""
        live, ended = list[LiveFacts](), list[CallRecord]()
        known, self._known = self._known, {}
        for file in self._folder.glob("*.json"):
            try:
                checkpoint, written = self._checkpoint(file, known)
            except (OSError, ValidationError):
                continue  # the call has just ended, or recovery reports it
            if checkpoint.record:
                ended.append(self._mask.record(checkpoint.record))
            elif self._watched(checkpoint.state.id) or not checkpoint.abandoned(written):
                live.append(_facts(checkpoint.state, self._mask))
        live.sort(key=lambda call: (call.dispatched_at, call.id), reverse=True)
        return Unfinished(live, ended)

    def _checkpoint(
        self, file: Path, known: dict[Path, tuple[tuple[int, int], _Checkpoint]]
    ) -> tuple[_Checkpoint, float]:
        """Return a checkpoint, and when it was written. Raises OSError or ValidationError."""
        with opened(file) as held:
            facts = os.fstat(held.fileno())
            version = (facts.st_ino, facts.st_mtime_ns)
            had = known.get(file)
            if had is None or had[0] != version:
                had = version, _Checkpoint.model_validate_json(held.read())
        self._known[file] = had
        return had[1], facts.st_mtime


class Masks:
    """Masks what is listed of calls as their records mask it, by the settings of their personas."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._names = settings, Pseudonyms(settings.state_dir)
        self._known: dict[tuple[str, ...], PersonaSettings] = {}

    def whoever_may_get(self, persona: str) -> list[str]:
        """Return the personas that may get a call of this one, which is still to be placed."""
        return [persona, *sorted(self._settings.reachable_from(persona))]

    def number(self, number: str | None, personas: Iterable[str]) -> str | None:
        """Return a number with its pseudonym in place of its digits, unless records have it."""
        return number and (number if self._shows(personas) else self._names.of(number))

    def room(self, room: str, number: str | None, personas: Iterable[str]) -> str:
        """Return a room's name without the number in it."""
        return room if self._shows(personas) else mask_room(room, number)

    def id(self, text: str | None, number: str | None, personas: Iterable[str]) -> str | None:
        """Return an ID that others chose without the numbers in it, `number` in any spelling."""
        return masked_id(text, number, self._of(personas), self._settings.state_dir)

    def text(self, text: str, personas: Iterable[str]) -> str:
        """Return written text as records of these personas may have it: a reason, a fault."""
        shown = self._of(personas)
        return mask_words(
            without_secrets(text), numbers=not shown.record_numbers, digits=not shown.record_digits
        )

    def live(self, record: CallRecord) -> CallRecord:
        """Return what a live call's record would be now, redacted for all who may still get it.

        What was shown can't be taken back when a persona gets the call that shows less.
        """
        return redacted(record, self._of(self.may_have(record.names)), self._settings.state_dir)

    def live_number(self, call: LiveFacts) -> str | None:
        """Return the number of a live call, masked for all who may still get it."""
        return self.number(call.number, self.may_have(call.personas))

    def may_have(self, names: Iterable[str]) -> list[str]:
        """Return the personas that have had a live call, and those that may still get it."""
        every = (each for name in names for each in self.whoever_may_get(name))
        return list(dict.fromkeys(every))

    def transcribes(self, names: Iterable[str]) -> bool:
        """Return whether the words of a live call are recorded, whoever may still get it."""
        return self._of(self.may_have(names)).record_transcripts

    def record(self, record: CallRecord) -> CallRecord:
        """Return a redacted record; one that is redacted already stays as it is."""
        return redacted(record, self._of(record.names), self._settings.state_dir)

    def listed(self, record: CallRecord) -> CallRecord:
        """Return a redacted record without its story, of which lists show nothing."""
        story: dict[str, object] = {
            name: [] for name in ("tools", "keys", "menus", "transfers", "usage")
        }
        if self._of(record.names).record_transcripts:  # otherwise it tells what is a quotation
            story["transcript"] = []
        return self.record(record.model_copy(update=story))

    def _shows(self, personas: Iterable[str]) -> bool:
        return self._of(personas).record_numbers

    def _of(self, personas: Iterable[str]) -> PersonaSettings:
        names = tuple(personas)
        if names not in self._known:
            self._known[names] = self._settings.of_a_call(names)
        return self._known[names]


def _facts(state: _State, mask: Masks) -> LiveFacts:
    return LiveFacts(
        id=state.id,
        persona=state.names[0] if state.names else None,
        personas=state.names,
        direction="outbound" if state.outbound else "inbound",
        status=live_status(state),
        number=mask.number(state.number, state.names),
        our_number=mask.number(state.our_number, state.names),
        reference=state.theirs(state.metadata.reference, mask),
        idempotency_key=state.theirs(state.metadata.idempotency_key, mask),
        room=mask.room(state.room, state.number, state.names),
        dispatched_at=state.dispatched_at,
        dialled_at=state.dialled_at,
        ringing_at=state.ringing_at,
        answered_at=state.answered_at,
        livekit_room=state.room,
    )
