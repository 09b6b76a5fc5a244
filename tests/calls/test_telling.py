"""The outside is told of calls: by webhooks, metrics and traces."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from collector import CollectorStandIn, told
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client.parser import text_string_to_metric_families
from receiver import SECRET, FarSide
from scene import a_scene, logged
from standardwebhooks import Webhook

from host.local.phone import Busy, Line, PhoneCall
from host.records.record import CallRecord
from host.testing import Scene, heard_once

pytestmark = [
    pytest.mark.whole("metrics, traces and webhooks are told by processes"),
    pytest.mark.xdist_group("telling"),
]

CALLER, DESK = "+15557770031", "+15550001101"
GREETING = "This is the desk. What can I do for you?"


@dataclass
class Outside:
    """A host, and everybody whom it tells of its calls."""

    scene: Scene
    far_side: FarSide
    collector: CollectorStandIn
    metrics: str

    async def value(self, name: str, **labels: str) -> float:
        """A metric as it is now; 0 where there is none yet."""
        async with aiohttp.ClientSession() as web, web.get(self.metrics) as response:
            text = await response.text()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    async def until(self, many: float, name: str, **labels: str) -> None:
        """Wait until a metric has a value: it is told after the call is over."""
        async with asyncio.timeout(15):
            while await self.value(name, **labels) != many:
                await asyncio.sleep(0.05)  # a scrape has no event

    async def message(self, record: CallRecord) -> dict[str, Any]:
        """Wait for the record of a call at the receiver, and check its signature."""
        id = f"call_{record.id}"
        await self.far_side.until(lambda: id in self.far_side.accepted)
        of = [(headers, body) for name, headers, body in self.far_side.requests if name == id]
        sent: dict[str, Any] = Webhook(SECRET).verify(of[-1][1], of[-1][0])
        return sent

    async def trace(self, record: CallRecord) -> dict[str, list[Span]]:
        """Wait for the trace of a call: its spans by name."""
        async with asyncio.timeout(15):
            while not (spans := self.collector.trace_of(record.id)):
                await asyncio.sleep(0.05)  # spans come in batches of their own
        return {name: [s for s in spans if s.name == name] for name in {s.name for s in spans}}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def outside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outside]:
    """A host that tells everybody. The receiver is down at first."""
    folder = tmp_path_factory.mktemp("telling")
    far_side = FarSide()
    async with CollectorStandIn() as collector:
        settings = {
            "HOST_STATE_DIR": str(folder / "state"),
            "HOST_WEBHOOK_URL": far_side.url,
            "HOST_WEBHOOK_SECRET": SECRET,
            "HOST_METRICS_PORT": "0",
            "HOST_OTLP_ENDPOINT": collector.url,
            "HOST_TAKE_OVER": "false",
        }
        async with a_scene(folder, "now", settings) as scene:
            [metrics] = re.findall(r"metrics at (http://\S+?/metrics)", scene.log())
            yield Outside(scene, far_side, collector, metrics)
    await far_side.close()


async def asks(line: Line) -> None:
    await line.heard("what can I do for you")
    await line.say("What day is it?")
    await line.heard("today is monday")
    await line.hang_up()


@pytest.mark.promise("A webhook delivers its record after the receiver was down")
async def test_a_record_outlives_a_receiver_that_is_down(outside: Outside) -> None:
    await outside.far_side.down()
    not_taken = "did not take a call record"
    before = outside.scene.log().count(not_taken)
    call = await outside.scene.exchange.ring(CALLER, DESK, asks)
    record = await outside.scene.over(call)
    heard_once(call, GREETING)
    queued = outside.scene.folder / "state" / "webhooks" / f"call_{record.id}.json"
    await logged(outside.scene, not_taken, before + 1)
    assert queued.exists()
    assert await outside.value("host_webhooks_waiting") == 1
    await outside.far_side.up()
    sent = await outside.message(record)
    assert sent["type"] == "call.ended"
    assert CallRecord.model_validate(sent["data"]) == record
    await outside.until(0, "host_webhooks_waiting")
    assert not queued.exists()


def _has_heard(call: PhoneCall) -> bool:
    return bool(call.heard)


@pytest.mark.promise("Prometheus metrics count ended and live calls")
async def test_calls_are_counted_and_live_ones_are_seen(outside: Outside) -> None:
    scene = outside.scene
    completed = {"persona": "desk", "direction": "inbound", "outcome": "completed"}
    before = await outside.value("host_calls_total", **completed)
    for _ in range(2):
        call = await scene.exchange.ring(CALLER, DESK)
        await call.answered()
        await outside.until(1, "host_live_calls", persona="desk")
        await call.pulse.until(partial(_has_heard, call), 15, "a word")
        await call.hang_up()
        await scene.over(call)
        await outside.until(0, "host_live_calls", persona="desk")
    await outside.until(before + 2, "host_calls_total", **completed)
    for name in ("duration", "ring", "first_word"):
        assert await outside.value(f"host_call_{name}_seconds_count", **completed) == before + 2
    assert await outside.value("host_call_duration_seconds_sum", **completed) > 0


async def test_a_busy_line_is_counted_as_busy(outside: Outside) -> None:
    await outside.scene.place_to(Busy(), "skips")
    busy = {"persona": "skips", "direction": "outbound", "outcome": "busy"}
    await outside.until(1, "host_calls_total", **busy)
    assert await outside.value("host_call_duration_seconds_count", **busy) == 0


async def test_a_call_that_is_handed_over_is_live_with_and_counted_for_both_personas(
    outside: Outside,
) -> None:
    async def asks_for_accounts(line: Line) -> None:
        await line.heard("how can i help you")
        await outside.until(1, "host_live_calls", persona="reception")
        await line.say("I have a question about an invoice.")
        await line.heard("accounts are here")
        await outside.until(1, "host_live_calls", persona="accounts")
        await outside.until(0, "host_live_calls", persona="reception")
        await line.hang_up()

    record = await outside.scene.over(await outside.scene.ring("reception", asks_for_accounts))
    await outside.until(1, "host_handovers_total", persona="reception", to="accounts")
    await outside.until(0, "host_live_calls", persona="accounts")
    assert await outside.value("host_calls_total", persona="reception") == 1
    assert await outside.value("host_calls_total", persona="accounts") == 0
    talked = [await outside.value("host_talk_seconds_total", persona=name) for name in record.names]
    assert len(talked) == 2
    assert all(talked)
    assert sum(talked) == pytest.approx(record.duration, abs=0.01)


@pytest.mark.promise("Each call is one OpenTelemetry trace")
async def test_a_call_is_one_trace_with_its_stages_and_livekits_spans(outside: Outside) -> None:
    call = await outside.scene.exchange.ring(CALLER, DESK, asks)
    record = await outside.scene.over(call)
    trace = await outside.trace(record)
    [root] = trace["call"]
    facts = told(root)
    assert facts["host.persona"] == "desk"
    assert facts["host.outcome"] == "completed"
    assert facts["host.ended_by"] == "far end"
    assert facts["host.duration"] == record.duration
    for name in ("ringing", "greeting", "conversation", "ending"):
        [stage] = trace[name]
        assert stage.parent_span_id == root.span_id, name
    [session] = trace["agent_session"]
    assert session.parent_span_id == root.span_id
    assert {"llm_request", "tts_request", "user_turn"} <= set(trace)
    assert len(outside.collector.trace_of(record.id)) > 10
    strays = [name for name, spans in trace.items() for s in spans if not s.parent_span_id]
    assert strays == ["call"]


async def test_no_trace_holds_a_number_or_a_word(outside: Outside) -> None:
    call = await outside.scene.exchange.ring(CALLER, DESK, asks)
    await outside.trace(await outside.scene.over(call))
    assert b"agent_session" in outside.collector.received
    for secret in (CALLER, DESK, GREETING, "hat can I do for you", "hat day is it", "oday is"):
        assert secret.lstrip("+").encode() not in outside.collector.received, secret


async def test_a_call_whose_process_is_killed_is_told_of_everywhere(outside: Outside) -> None:
    scene = outside.scene
    call = await scene.exchange.ring(CALLER, DESK)
    await call.answered()
    await outside.until(1, "host_live_calls", persona="desk")
    failed = {"persona": "desk", "direction": "inbound", "outcome": "failed"}
    before = await outside.value("host_calls_total", **failed)
    os.kill(await process_of(call.room, scene.folder / "state" / "unfinished"), signal.SIGKILL)
    await outside.until(0, "host_live_calls", persona="desk")
    record = await scene.over(call)
    await outside.until(before + 1, "host_calls_total", **failed)
    sent = await outside.message(record)
    assert sent["data"]["outcome"] == "failed"
    [root] = (await outside.trace(record))["call"]
    assert root.status.code == Status.STATUS_CODE_ERROR


async def process_of(room: str, checkpoints: Path) -> int:
    """Wait until a call's checkpoint says that it was answered; give its process."""
    async with asyncio.timeout(15):
        while True:
            for file in checkpoints.glob("*.json"):
                checkpoint = json.loads(file.read_text())
                if checkpoint["state"]["room"] == room and checkpoint["state"]["answered_at"]:
                    number: int = checkpoint["number"]
                    return number
            await asyncio.sleep(0.05)  # a folder has no event
