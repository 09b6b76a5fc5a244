"""OpenTelemetry: one trace for each call, with its stages and LiveKit's spans of the models.

A trace contains no number and no speech. Spans are exported during the call; its end waits at most
a second for the collector.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, BaseModel, Field

from host import Call, hookimpl

if TYPE_CHECKING:
    from host.settings import Settings

    from .trace import Trace

log = logging.getLogger("host")


class Traces(BaseModel):
    """The settings of this plugin."""

    endpoint: str | None = Field(
        None,
        validation_alias=AliasChoices("HOST_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="OpenTelemetry collector (OTLP over HTTP) that receives a trace of each call",
    )


@hookimpl
def plugin_settings() -> type[Traces]:
    """Read `[plugins.traces]`."""
    return Traces


@hookimpl
def pass_environment(settings: Settings) -> list[str]:
    """Pass OpenTelemetry's own variables to traced calls: headers with a key, names, limits."""
    return ["OTEL_*"] if settings.plugin(Traces).endpoint else []


@hookimpl
def session_options(call: Call) -> None:
    """Start the trace, in the task that starts the session, so that LiveKit's spans join it."""
    if call.job is not None and (trace := _trace_of(call)):  # a text chat has no job
        trace.take_along_livekit(call.dispatched_at)


@hookimpl
async def call_ended(call: Call, record: Any) -> None:
    """Finish and export the trace. Its stages come from the record, with or without a session."""
    if trace := _trace_of(call):
        await trace.end(record)


def _trace_of(call: Call) -> Trace | None:
    """Return the call's trace; None if tracing is off or fails, which never affects the call."""
    if not (endpoint := call.settings.plugin(Traces).endpoint):
        return None
    if not hasattr(call.state, "host_trace"):
        call.state.host_trace = None
        from .trace import Trace

        try:
            call.state.host_trace = Trace(endpoint, call.id)
        except Exception as error:
            log.warning("traces: this call has none: %s", error)
    trace: Trace | None = call.state.host_trace
    return trace
