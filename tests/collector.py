"""A stand-in for an OpenTelemetry collector: it takes OTLP over HTTP and keeps what it got."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class CollectorStandIn:
    """Takes spans for the length of the block."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.resource: dict[str, Any] = {}
        self.received = b""
        """Every byte that came."""
        self.status = 200
        """What it answers; only with 200 it keeps anything."""
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address to set as HOST_OTLP_ENDPOINT."""
        assert self._runner is not None
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/traces", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def trace_of(self, call: str) -> list[Span]:
        """Every span of a call's trace; none before its root has come."""
        traces = {
            span.trace_id for span in self.named("call") if told(span)["host.call.id"] == call
        }
        return [span for span in self.spans if span.trace_id in traces]

    def named(self, name: str) -> list[Span]:
        """The spans of a name, in the order of their beginnings."""
        found = [span for span in self.spans if span.name == name]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    def one(self, name: str) -> Span:
        """The only span of a name."""
        [span] = self.named(name)
        return span

    def attributes(self, name: str) -> dict[str, Any]:
        """What the only span of a name tells."""
        return told(self.one(name))

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.status == 200:
            self.received += body
            for part in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resource = _read(part.resource.attributes)
                for scope in part.scope_spans:
                    self.spans.extend(scope.spans)
        return web.Response(status=self.status)


def told(span: Span) -> dict[str, Any]:
    """What a span tells."""
    return _read(span.attributes)


def _read(attributes: Any) -> dict[str, Any]:
    told: list[KeyValue] = list(attributes)
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "") for each in told}
