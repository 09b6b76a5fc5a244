"""One call, for a person to read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from host.cli.layout import aligned, hanging, length, money, printable
from host.records.record import CallRecord
from host.records.timeline import story


def page(record: CallRecord, width: int | None = None) -> str:
    """Lay a call out for a terminal of this many columns; None is none, and wraps nothing."""
    sections = (
        [*_head(record, width)],
        [*_facts(record, width)],
        [*_results(record, width)],
        [*_times(record)],
        [*_story(record, width)],
        [*_usage(record)],
        [*_cost(record, width)],
    )
    return "\n\n".join("\n".join(section) for section in sections if section)


def _head(record: CallRecord, width: int | None) -> Iterator[str]:
    persona = " -> ".join(record.names) or "nobody"
    if record.direction == "inbound":
        ours = f" on {record.our_number}" if record.our_number else ""
        way = f"{persona}, called by {record.number or 'somebody'}{ours}"
    else:
        ours = f" from {record.our_number}" if record.our_number else ""
        way = f"{persona}, calling {record.number}{ours}"
    yield f"Call {printable(record.id)}"
    yield from hanging("", way, width)
    yield from hanging(f"{record.outcome}: ", record.reason, width)


def _facts(record: CallRecord, width: int | None) -> Iterator[str]:
    voicemail = ": ".join(filter(None, (record.voicemail, record.voicemail_reason)))
    facts = {
        "ended by": record.ended_by,
        "error": record.error,
        "SIP status": record.sip_status and str(record.sip_status),
        "try again": "it may go better later" if record.retryable else None,
        "voicemail": voicemail,
        "opted out": "yes, no call to this number is placed any more" if record.opted_out else None,
        "reference": record.reference,
        "key": record.idempotency_key,
        "recording": record.recording,
        "uploaded": record.recording_url,
        "stopped": _stopped(record),
        "concluded": record.conclusions_error and f"no: {record.conclusions_error}",
        "room": record.room,
    }
    for name, fact in facts.items():
        if fact:
            yield from hanging(f"  {name:10}  ", fact, width)


def _stopped(record: CallRecord) -> str | None:
    if record.recording_stopped_at is None:
        return None
    discarded = ", and what was recorded before was discarded" if record.recording_discarded else ""
    return f"the recording ended at {_clock(record.recording_stopped_at)}{discarded}"


def _results(record: CallRecord, width: int | None) -> Iterator[str]:
    if not record.results:
        return
    yield "Results"
    widest = max(10, *map(len, record.results))
    for name, value in record.results.items():
        written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield from hanging(f"  {printable(name):{widest}}  ", written, width)


def _times(record: CallRecord) -> Iterator[str]:
    notes = {
        "dialled": "",
        "ringing": "",
        "answered": f"rang {record.ring_time:.1f} s" if record.ring_time is not None else "",
        "first word": (
            f"{record.time_to_first_word:.1f} s after the answer"
            if record.time_to_first_word is not None
            else ""
        ),
        "ended": f"{length(record.duration)} of talk" if record.answered_at else "",
    }
    zone = record.dispatched_at.astimezone().strftime("%Y-%m-%d, %Z")
    rows = [("dispatched", _clock(record.dispatched_at), zone)]
    for name, note in notes.items():
        moment: datetime | None = getattr(record, f"{name.replace(' ', '_')}_at")
        if moment:
            rows.append((name, _clock(moment), note))
    yield from aligned(rows, "  ")


def _story(record: CallRecord, width: int | None) -> Iterator[str]:
    begun = record.answered_at or record.dispatched_at
    events = story(record)
    if events:
        yield f"Seconds from {'the answer' if record.answered_at else 'the dispatch'}"
    for event in events:
        seconds = (event.at - begun).total_seconds()
        yield from hanging(f"{seconds:8.1f}  {event.who:8}  ", event.text, width)


def _usage(record: CallRecord) -> Iterator[str]:
    rows = [
        (use.kind, printable(use.provider), printable(use.model), _amounts(use.amounts))
        for use in record.usage
    ]
    if rows:
        yield "Usage"
        yield from aligned(rows, "  ")


def _cost(record: CallRecord, width: int | None) -> Iterator[str]:
    if (cost := record.cost) is None:
        return
    yield f"Cost: {money(cost)}"
    rows = [(part.kind, printable(part.name), f"{part.amount:.6f}") for part in cost.parts]
    yield from aligned(rows, "  ")
    if cost.unpriced:
        yield from hanging("  without a price: ", ", ".join(map(printable, cost.unpriced)), width)


def _amounts(amounts: dict[str, float]) -> str:
    return ", ".join(_amount(name, amount) for name, amount in amounts.items())


def _amount(name: str, amount: float) -> str:
    """Write `audio_duration` as seconds of audio, `input_tokens` as what it says."""
    number = f"{amount:,.2f}".rstrip("0").rstrip(".")
    unit = "s of " if name.endswith("_duration") else ""
    of = name.removesuffix("_duration").removesuffix("_count").replace("_", " ")
    return f"{number} {unit}{printable(of)}"


def _clock(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S")
