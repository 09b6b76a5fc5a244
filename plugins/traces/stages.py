"""Spans of a call's stages, from the times in its record."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Status, StatusCode, Tracer, set_span_in_context

Attributes = dict[str, str | int | float | bool]


def attributes_of(record: Any) -> Attributes:
    """Return the trace's attributes: no number, no room name, no speech."""
    attributes = {
        "host.call.id": record.id,
        "host.persona": record.persona,
        "host.direction": record.direction,
        "host.outcome": record.outcome.value,
        "host.ended_by": record.ended_by,
        "host.sip_status": record.sip_status,
        "host.voicemail": record.voicemail,
        "host.duration": record.duration,
        "host.ring_time": record.ring_time,
        "host.time_to_first_word": record.time_to_first_word,
    }
    return {key: value for key, value in attributes.items() if value is not None}


def draw(tracer: Tracer, call: Context, record: Any, now: datetime) -> None:
    """Create spans for the stages that a call reached. Each ends where the next begins."""
    stages = [
        ("dialling", record.dialled_at),
        ("ringing", record.ringing_at),
        ("greeting", record.answered_at),
        ("conversation", record.first_word_at),
        ("ending", record.ended_at),
    ]
    reached = [(name, begun) for name, begun in stages if begun is not None]
    ends = [begun for _, begun in reached[1:]] + [now]
    where = call
    for (name, begun), ended in zip(reached, ends, strict=True):
        span = tracer.start_span(name, context=call, start_time=nanoseconds(begun))
        if name == "conversation":
            where = set_span_in_context(span)
        span.end(nanoseconds(max(begun, ended)))
    _draw_moments(tracer, where, record)


def _draw_moments(tracer: Tracer, where: Context, record: Any) -> None:
    """Create spans for tool calls and transfers: the record has their time, but no duration."""
    for tool in record.tools:
        done: Attributes = {"host.tool": tool.name}
        _moment(tracer, where, "tool", tool.at, done, failed=tool.failed)
    for transfer in record.transfers:
        done = {"host.transfer.to": transfer.to, "host.transfer.warm": transfer.warm}
        if transfer.sip_status:
            done["host.sip_status"] = transfer.sip_status
        _moment(tracer, where, "transfer", transfer.at, done, failed=not transfer.succeeded)


def _moment(
    tracer: Tracer, parent: Context, name: str, at: datetime, facts: Attributes, *, failed: bool
) -> None:
    span = tracer.start_span(name, context=parent, start_time=nanoseconds(at), attributes=facts)
    if failed:
        span.set_status(Status(StatusCode.ERROR))
    span.end(nanoseconds(at))


def nanoseconds(at: datetime) -> int:
    """Convert a time to OpenTelemetry's nanoseconds since the epoch."""
    return int(at.timestamp() * 1e9)
