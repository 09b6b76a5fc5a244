"""Prometheus metrics of calls, by persona, direction and outcome; never by number.

A call counts once, for the persona that took it first. What each persona had of a call that was
handed over counts apart, as in its budget: `host_persona_calls_total`, `host_talk_seconds_total`.

Each call runs in its own process and the host counts. A call keeps a Unix socket open to the host,
over which it reports its start and its outcome. A killed process closes its socket, so that its
call stops counting as live. (Prometheus' own multiprocess mode keeps files of every process: after
5,000 calls 10,000 files, and half a second to read them at each scrape.)
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from host import Call, hookimpl

from . import line

if TYPE_CHECKING:
    from host.settings import Settings


class Metrics(BaseModel):
    """The settings of this plugin."""

    port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="port of Prometheus metrics, at health_host; unset: no metrics",
    )


@hookimpl
def plugin_settings() -> type[Metrics]:
    """Read `[plugins.metrics]`."""
    return Metrics


@hookimpl
async def while_serving(settings: Settings) -> None:
    """Serve /metrics, and count what calls report."""
    if (port := settings.plugin(Metrics).port) is None:
        return
    from .board import show

    await show(settings.health_host, port)


@hookimpl
async def prepare_call(call: Call) -> None:
    """Report the start of a call. It is live until its connection closes."""
    # A text chat has no job and is not counted.
    if call.settings.plugin(Metrics).port is not None and call.job is not None:
        call.state.host_metrics_line = await line.connect()
        await line.say(call.state.host_metrics_line, {"begun": call.persona})


@hookimpl
async def joined(call: Call, by: str, note: str) -> None:
    """Report that the call is live with another persona."""
    await line.say(getattr(call.state, "host_metrics_line", None), {"begun": call.persona})


@hookimpl
async def call_ended(call: Call, record: Any) -> None:
    """Report a call's outcome; a refused call and one whose process died connect only now."""
    if call.settings.plugin(Metrics).port is None:
        return
    opened = getattr(call.state, "host_metrics_line", None) or await line.connect()
    await line.say(opened, {"ended": facts_of(record)})
    await line.close(opened)


def facts_of(record: Any) -> dict[str, Any]:
    """Return the counted facts of a record: no numbers, no names, no speech."""
    made = record.answered_at or record.dialled_at  # others count in no budget either
    cost = record.cost
    return {
        "persona": record.persona or "",
        "direction": record.direction,
        "outcome": record.outcome.value,
        "ring_time": record.ring_time,
        "time_to_first_word": record.time_to_first_word,
        "duration": record.duration if record.answered_at else None,
        "voicemail": record.voicemail,
        "cost": None if cost is None else [cost.currency, cost.total],
        "transfers": [
            [_persona_at(record, each.at), each.warm, each.succeeded] for each in record.transfers
        ],
        "shares": [[share.name, _talked(record, share)] for share in record.personas if made],
    }


def _persona_at(record: Any, at: datetime) -> str:
    """Return the persona that had the call at a time."""
    had = [share.name for share in record.personas if share.since <= at]
    return had[-1] if had else record.persona or ""


def _talked(record: Any, share: Any) -> float:
    """Return the seconds of a share after the answer."""
    if record.answered_at is None:
        return 0.0
    begun = max(share.since, record.answered_at)
    seconds: float = ((share.until or record.ended_at) - begun).total_seconds()
    return max(seconds, 0.0)
