"""Each call is one trace at the collector; one that is dead costs a call nothing."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from collector import CollectorStandIn
from livekit.agents import telemetry
from opentelemetry import trace as otel
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from sample_calls import a_call_with_a_job
from stored import a_record
from waiting import logged_by_the_host

import host
from host.call.live import LiveCall
from host.records.outcome import Outcome
from host.records.record import CallRecord, ToolUse, Transfer
from host.settings import Settings
from host.settings.plugins import declare
from plugins import traces

declare("traces", traces.Traces)

NOW = datetime.now(UTC)
LIMIT = 5.0
"""Seconds after which a call is held up by its collector."""


def at(seconds: float) -> datetime:
    """A moment of the call: seconds after its dispatch, a minute ago."""
    return NOW + timedelta(seconds=seconds - 60)


def a_recent_record(**more: Any) -> CallRecord:
    """The record of a call that was dispatched a minute ago, with its times in whole seconds."""
    moments = {
        "dispatched_at": 0,
        "dialled_at": 1,
        "ringing_at": 2,
        "answered_at": 5,
        "first_word_at": 6,
        "ended_at": 30,
    }
    given: dict[str, Any] = {
        **{name: at(seconds) for name, seconds in moments.items()},
        "id": "AJ_1",
        "room": "desk_+15551234567_x",
        "persona": "desk",
        "number": "+15551234567",
        "reason": "the call was transferred to billing",
        "duration": 25.0,
        "ring_time": 4.0,
        "time_to_first_word": 1.0,
        "tools": [
            ToolUse(at=at(10), name="book", arguments='{"who": "Ann"}', result="ok", failed=False)
        ],
        "transfers": [
            Transfer(at=at(20), to="billing", succeeded=False, reason="busy", sip_status=486),
            Transfer(at=at(29), to="billing", warm=True, succeeded=True),
        ],
    }
    return a_record(**{**given, **more})


def a_call_to_trace(endpoint: str) -> LiveCall:
    """A call that was dispatched a minute ago, and whose spans go to that collector."""
    call = a_call_with_a_job(Settings(plugins={"traces": {"endpoint": endpoint}}))
    call.state.dispatched_at = at(0)
    return call


@pytest.fixture
async def collector(clean_environment: None) -> AsyncIterator[CollectorStandIn]:
    async with CollectorStandIn() as collector:
        yield collector


@pytest.fixture
def livekit_afterwards() -> Iterator[None]:
    """Leave LiveKit's tracer as it was."""
    yield
    telemetry.set_tracer_provider(otel.get_tracer_provider())


def stage(collector: CollectorStandIn, name: str) -> tuple[float, float]:
    """Where a stage lies: seconds after the dispatch."""
    span = collector.one(name)
    begun = at(0).timestamp()
    return (
        round(span.start_time_unix_nano / 1e9 - begun, 3),
        round(span.end_time_unix_nano / 1e9 - begun, 3),
    )


async def test_a_call_is_one_trace_of_its_stages(collector: CollectorStandIn) -> None:
    await traces.call_ended(call=a_call_to_trace(collector.url).call, record=a_recent_record())
    assert len({span.trace_id for span in collector.spans}) == 1
    root = collector.one("call")
    assert not root.parent_span_id
    assert stage(collector, "call")[0] == 0
    for name, begun, ended in (
        ("dialling", 1, 2),
        ("ringing", 2, 5),
        ("greeting", 5, 6),
        ("conversation", 6, 30),
    ):
        assert stage(collector, name) == (begun, ended), name
        assert collector.one(name).parent_span_id == root.span_id, name
    assert stage(collector, "ending")[0] == 30
    assert stage(collector, "ending")[1] == stage(collector, "call")[1]


async def test_the_root_tells_how_the_call_went(collector: CollectorStandIn) -> None:
    record = a_recent_record(sip_status=200)
    await traces.call_ended(call=a_call_to_trace(collector.url).call, record=record)
    assert collector.attributes("call") == {
        "host.call.id": "AJ_1",
        "host.persona": "desk",
        "host.direction": "outbound",
        "host.outcome": "transferred",
        "host.ended_by": "persona",
        "host.sip_status": 200,
        "host.voicemail": "human",
        "host.duration": 25.0,
        "host.ring_time": 4.0,
        "host.time_to_first_word": 1.0,
    }
    assert collector.resource["service.name"] == "host"
    assert collector.resource["service.version"] == host.__version__


async def test_tools_and_transfers_are_moments_of_the_conversation(
    collector: CollectorStandIn,
) -> None:
    await traces.call_ended(call=a_call_to_trace(collector.url).call, record=a_recent_record())
    conversation = collector.one("conversation").span_id
    assert stage(collector, "tool") == (10, 10)
    assert collector.attributes("tool") == {"host.tool": "book"}
    failed, succeeded = collector.named("transfer")
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert succeeded.status.code == Status.STATUS_CODE_UNSET
    for span in (collector.one("tool"), failed, succeeded):
        assert span.parent_span_id == conversation


async def test_a_call_that_nobody_took_has_only_the_stages_it_came_to(
    collector: CollectorStandIn,
) -> None:
    record = a_recent_record(
        outcome=Outcome.FAILED,
        ringing_at=None,
        answered_at=None,
        first_word_at=None,
        tools=[],
        transfers=[],
    )
    await traces.call_ended(call=a_call_to_trace(collector.url).call, record=record)
    assert {span.name for span in collector.spans} == {"call", "dialling", "ending"}
    assert collector.one("call").status.code == Status.STATUS_CODE_ERROR


async def test_no_number_and_no_word_is_told(
    collector: CollectorStandIn, livekit_afterwards: None
) -> None:
    call = a_call_to_trace(collector.url)

    async def in_a_call() -> None:
        traces.session_options(call=call.call)
        with telemetry.tracer.start_as_current_span("llm_node") as span:
            span.set_attribute("lk.pii.chat_ctx", "hello there")
            span.set_attribute("gen_ai.input.messages", "hello there")
            span.set_attribute("lk.sip.trunkPhoneNumber", "+15550001111")
            span.set_attribute("lk.response.ttft", 0.2)
            span.add_event("linked", {"lk.pii.participant_identity": "sip_+15551234567"})
            span.record_exception(ValueError("hello there, +15551234567"))

    await asyncio.create_task(in_a_call())
    await traces.call_ended(call=call.call, record=a_recent_record())
    assert collector.attributes("llm_node")["lk.response.ttft"] == 0.2
    for secret in (b"5551234567", b"5550001111", b"hello there", b"Ann", b"transferred to"):
        assert secret not in collector.received, secret


async def test_spans_of_livekit_are_in_the_trace_of_the_call(
    collector: CollectorStandIn, livekit_afterwards: None
) -> None:
    call = a_call_to_trace(collector.url)

    async def opens_the_session() -> None:
        traces.session_options(call=call.call)

        async def later() -> None:
            with telemetry.tracer.start_as_current_span("agent_session"):
                telemetry.tracer.start_span("llm_request").end()

        await asyncio.create_task(later())

    await asyncio.create_task(opens_the_session())
    await traces.call_ended(call=call.call, record=a_recent_record())
    root, session = collector.one("call"), collector.one("agent_session")
    assert session.parent_span_id == root.span_id
    assert collector.one("llm_request").parent_span_id == session.span_id
    assert len({span.trace_id for span in collector.spans}) == 1


async def test_a_call_whose_process_died_ends_the_same_trace(
    collector: CollectorStandIn, livekit_afterwards: None
) -> None:
    died = a_call_to_trace(collector.url)
    traces.session_options(call=died.call)
    first = died.call.state.host_trace
    await traces.call_ended(
        call=a_call_to_trace(collector.url).call, record=a_recent_record(outcome=Outcome.FAILED)
    )
    root = collector.one("call")
    await first.end(a_recent_record())  # as its process would have, had it lived
    roots: list[Span] = collector.named("call")
    assert [span.trace_id for span in roots] == [root.trace_id] * 2
    assert [span.span_id for span in roots] == [root.span_id] * 2


async def test_nothing_is_sent_where_no_collector_is_set(clean_environment: None) -> None:
    call = a_call_with_a_job(Settings())
    traces.session_options(call=call.call)
    await traces.call_ended(call=call.call, record=a_recent_record())
    assert not hasattr(call.call.state, "host_trace")


def the_one_warning(caplog: pytest.LogCaptureFixture) -> str:
    warnings = [each for each in logged_by_the_host(caplog) if each.levelno >= logging.WARNING]
    [said] = [record for record in warnings if record.getMessage().startswith("traces: ")]
    assert not said.exc_info
    return said.getMessage()


async def test_a_collector_that_is_not_there_costs_one_warning(
    clean_environment: None, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    async with asyncio.timeout(LIMIT):
        await traces.call_ended(
            call=a_call_to_trace(f"http://{address}").call, record=a_recent_record()
        )
    assert the_one_warning(caplog).startswith(f"traces: {address} does not take the spans")


async def test_a_collector_that_never_answers_holds_up_no_call(
    clean_environment: None, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()  # connections are taken by the kernel, and nobody answers
        endpoint = f"http://127.0.0.1:{mute.getsockname()[1]}"
        async with asyncio.timeout(LIMIT):
            await traces.call_ended(call=a_call_to_trace(endpoint).call, record=a_recent_record())
    assert "does not take the spans of this call" in the_one_warning(caplog)


async def test_a_collector_that_refuses_is_told_of_once(
    collector: CollectorStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = 401
    await traces.call_ended(call=a_call_to_trace(collector.url).call, record=a_recent_record())
    assert "refuses" in the_one_warning(caplog)


async def test_an_exporter_that_cannot_be_made_fails_no_call(
    clean_environment: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "half")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    call = a_call_to_trace("http://127.0.0.1:9")
    traces.session_options(call=call.call)
    await traces.call_ended(call=call.call, record=a_recent_record())
    assert the_one_warning(caplog).startswith("traces: this call has none")
