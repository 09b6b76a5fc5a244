"""Counts calls for Prometheus, by persona, direction and outcome; never by number.

Calls live in processes of their own, each for one call, and the host counts: a call keeps a line
open to it, over which it says that it has begun and how it ended. A process that is killed closes
its line by that, so that no call counts as live that is not. (Prometheus' own mode for many
processes keeps files of every process that ever was: after 5,000 calls 10,000 files, and half a
second to read them at each scrape.)
"""

from __future__ import annotations

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
    """Serve /metrics, and listen to what calls say."""
    if (port := settings.plugin(Metrics).port) is None:
        return
    from .board import show

    await show(settings.health_host, port)


@hookimpl
async def prepare_call(call: Call) -> None:
    """Say that a call has begun. It is live until its line closes."""
    # A chat in the terminal has no job, and is no call.
    if call.settings.plugin(Metrics).port is not None and call.job is not None:
        call.state.host_metrics_line = await line.connect()
        await line.say(call.state.host_metrics_line, {"begun": call.persona})


@hookimpl
async def call_ended(call: Call, record: Any) -> None:
    """Say how a call ended: one that was refused, and one whose process died, have no line yet."""
    if call.settings.plugin(Metrics).port is None:
        return
    opened = getattr(call.state, "host_metrics_line", None) or await line.connect()
    await line.say(opened, {"ended": facts_of(record)})
    await line.close(opened)


def facts_of(record: Any) -> dict[str, Any]:
    """Return what is counted of a record: nothing that names anybody, nothing that was said."""
    return {
        "persona": record.persona or "",
        "direction": record.direction,
        "outcome": record.outcome.value,
        "ring_time": record.ring_time,
        "time_to_first_word": record.time_to_first_word,
        "duration": record.duration if record.answered_at else None,
        "voicemail": record.voicemail,
        "transfers": [[each.warm, each.succeeded] for each in record.transfers],
    }
