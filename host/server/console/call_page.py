"""What the page of one call shows: facts, timeline, latencies, and where to hear what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from host.records.record import CallRecord
from host.records.timeline import Event, story
from host.server.console.recordings import begins_at, file_of, heard_at, length_of
from host.settings import Settings


@dataclass(frozen=True)
class Line:
    """A line of the timeline."""

    at: datetime
    seconds: float
    """From the answer, or from the dispatch of a call without one."""
    who: str
    text: str
    heard_at: float | None
    """Seconds from the beginning of the recording; None if it is not in it."""
    latency: float | None
    """Seconds after the far end's words, of the persona's first line after them."""


class CallPage:
    """One call, for its template."""

    def __init__(
        self, record: CallRecord, settings: Settings, names: Sequence[str] | None = None
    ) -> None:
        """`record` is redacted, for these personas or its own."""
        self.record = record
        file = file_of(record, settings)
        self.recorded = file is not None
        length = length_of(file) if file else None
        self._begins = begins_at(record, length) if length else None
        self._length = length or 0.0
        self.lines = self._lines()
        self.hidden = not settings.of_a_call(names or record.names).record_transcripts

    @property
    def other_party(self) -> str:
        """The far end's role."""
        return "callee" if self.record.direction == "outbound" else "caller"

    @property
    def latencies(self) -> list[float]:
        """Seconds from the far end's words to the persona's, of each turn."""
        return [line.latency for line in self.lines if line.latency is not None]

    @property
    def median(self) -> float | None:
        """The median of the latencies; None without any."""
        ordered = sorted(self.latencies)
        return ordered[len(ordered) // 2] if ordered else None

    @property
    def moments(self) -> list[tuple[str, datetime, str]]:
        """What happened once, with a note."""
        record = self.record
        notes = {
            "dispatched": "",
            "dialled": "",
            "ringing": "",
            "answered": _note(record.ring_time, "of ringing"),
            "first_word": _note(record.time_to_first_word, "after the answer"),
            "ended": "",
        }
        at = {name: getattr(record, f"{name}_at") for name in notes}
        return [(name.replace("_", " "), at[name], notes[name]) for name in notes if at[name]]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Further facts by name, as far as the call has them."""
        record = self.record
        voicemail = ": ".join(filter(None, (record.voicemail, record.voicemail_reason)))
        facts = {
            "ended by": record.ended_by,
            "error": record.error,
            "SIP status": str(record.sip_status or ""),
            "retry": "may succeed" if record.retryable else "",
            "allowed again": record.retry_at and f"{record.retry_at.astimezone():%Y-%m-%d %H:%M}",
            "voicemail": voicemail,
            "opted out": "this number is not called any more" if record.opted_out else "",
            "reference": record.reference,
            "idempotency key": record.idempotency_key,
            "conclusions": record.conclusions_error,
            "taken over": f"{record.taken_over} times by another process"
            if record.taken_over
            else "",
            "uploaded to": record.recording_url,
            "room": record.room,
            "id": record.id,
        }
        return [(name, fact) for name, fact in facts.items() if fact]

    def _lines(self) -> list[Line]:
        begun = self.record.answered_at or self.record.dispatched_at
        said: Event | None = None
        lines = []
        for event in story(self.record):
            spoken = event.who in ("caller", "persona") and not event.keys
            latency = None
            if spoken and event.who == "persona" and said is not None:
                latency = max(0.0, (event.at - said.at).total_seconds())
                said = None
            elif spoken and event.who == "caller":
                said = event
            lines.append(
                Line(
                    event.at,
                    (event.at - begun).total_seconds(),
                    self.other_party if event.who == "caller" else event.who,
                    event.text,
                    self._heard_at(event) if spoken else None,
                    latency,
                )
            )
        return lines

    def _heard_at(self, event: Event) -> float | None:
        if self._begins is None:
            return None
        return heard_at(event.at, event.who, event.text, self._begins, self._length)


def _note(value: float | None, what: str) -> str:
    return "" if value is None else f"{value:.1f} s {what}"
