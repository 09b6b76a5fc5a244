"""One OpenTelemetry trace for each call: its stages, and in it LiveKit's own spans of the models.

A trace holds no number and no word of the conversation. The collector is told while the call goes
on; at the end a call waits a second for it at the most.
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
    """Have OpenTelemetry's own variables in traced calls: headers with a key, names, limits."""
    return ["OTEL_*"] if settings.plugin(Traces).endpoint else []


@hookimpl
def session_options(call: Call) -> None:
    """Begin the trace. This is asked in the task that opens the session: LiveKit's spans join."""
    if call.job is not None and (trace := _trace_of(call)):  # a chat has no job
        trace.take_along_livekit(call.dispatched_at)


@hookimpl
async def call_ended(call: Call, record: Any) -> None:
    """Finish the trace and send it. One that had no session has its stages from the record."""
    if trace := _trace_of(call):
        await trace.end(record)


def _trace_of(call: Call) -> Trace | None:
    """Return the trace of a call. None where none is wanted, or can be had: no call fails of it."""
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
