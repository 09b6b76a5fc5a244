"""The tracer provider of a call, and an exporter that warns once."""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import os
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Status
from opentelemetry.util.types import AttributeValue

from host import mask

log = logging.getLogger("host")

PATH = "/v1/traces"
"""Path of a collector's traces endpoint (OTLP specification, section OTLP/HTTP)."""


class Collector(SpanExporter):
    """Exports spans over HTTP. A failing collector is logged once."""

    def __init__(self, endpoint: str, limit: float) -> None:
        base = endpoint.rstrip("/")
        url = base if base.endswith(PATH) else base + PATH
        self._name = urlsplit(url).netloc.rpartition("@")[2]
        self._warned = False
        # The exporter's own lines, several for each attempt, are less informative.
        logging.getLogger("opentelemetry.exporter.otlp").setLevel(logging.CRITICAL)
        self._http = OTLPSpanExporter(endpoint=url, timeout=limit)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export spans in one attempt; rejected spans are lost."""
        taken = self._http.export([private(span) for span in spans])
        if taken is not SpanExportResult.SUCCESS:
            self.warn("it can't be reached, or refuses")
        return taken

    def warn(self, why: str) -> None:
        """Log once that spans are lost."""
        if not self._warned:
            self._warned = True
            log.warning("traces: %s does not take the spans of this call: %s", self._name, why)

    def shutdown(self) -> None:
        """Close the connections."""
        self._http.shutdown()  # type: ignore[no-untyped-call]


class CallIds(RandomIdGenerator):
    """Generates ids derived from the call's id.

    Thus the call's own process and the host, if that process died, end the same trace.
    """

    def __init__(self, call: str) -> None:
        digest = hashlib.sha256(call.encode()).digest()
        self._trace = int.from_bytes(digest[:16])
        self._root: int | None = int.from_bytes(digest[16:24])

    def generate_trace_id(self) -> int:
        """Return the call's trace id: the process has no other trace."""
        return self._trace

    def generate_span_id(self) -> int:
        """Return the root span's id first, then random ones."""
        root, self._root = self._root, None
        return root or super().generate_span_id()


def make_provider(collector: SpanExporter, call: str) -> TracerProvider:
    """Create a call's tracer provider. It exports every few seconds and on shutdown."""
    resource = Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME") or "host",
            "service.version": importlib.metadata.version("host"),
        }
    )
    # The process's exit must not wait for the collector again.
    provider = TracerProvider(resource=resource, id_generator=CallIds(call), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(collector))
    return provider


def private(span: ReadableSpan) -> ReadableSpan:
    """Drop LiveKit's attributes of the SIP participant, and mask numbers and keys elsewhere.

    An exception may quote both, in its event and in its span's status.
    """
    attributes = dict(span.attributes or {})
    kept = {key: value for key, value in attributes.items() if not key.startswith("lk.sip.")}
    why = span.status.description
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_masked(kept),
        events=[
            Event(event.name, _masked(event.attributes or {}), event.timestamp)
            for event in span.events
        ],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, mask(why)) if why else span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _masked(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    return {
        key: mask(value) if isinstance(value, str) else value for key, value in attributes.items()
    }
