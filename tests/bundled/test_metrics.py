"""Calls are counted by persona and outcome, live ones too, whatever becomes of their processes."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sample_calls import a_call_with_a_job
from stored import a_record
from waiting import logged_by_the_host, meanwhile, until_logged

from host.records.outcome import Outcome
from host.records.record import PersonaShare, Transfer
from host.settings import Settings
from host.settings.plugins import declare
from plugins import metrics
from plugins.metrics import line

declare("metrics", metrics.Metrics)

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@asynccontextmanager
async def counting(settings: Settings, caplog: pytest.LogCaptureFixture) -> AsyncIterator[str]:
    """A host that counts, for the length of the block; gives the address of its metrics."""
    caplog.set_level("INFO", "host")
    caplog.clear()
    async with meanwhile(metrics.while_serving(settings=settings)):
        await until_logged(caplog, "metrics at http")
        [said] = logged_by_the_host(caplog)
        yield said.getMessage().removeprefix("metrics at ")


async def scrape(url: str) -> Samples:
    async with aiohttp.ClientSession() as web, web.get(url) as response:
        text = await response.text()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, tuple(sorted(labels.items()))))


def live(persona: str, many: int) -> Callable[[Samples], bool]:
    return lambda seen: value(seen, "host_live_calls", persona=persona) == many


async def until(url: str, holds: Callable[[Samples], bool], limit: float = 10.0) -> Samples:
    """Scrape, as Prometheus does, until something holds: what a call says arrives later."""
    async with asyncio.timeout(limit):
        while not holds(samples := await scrape(url)):
            await asyncio.sleep(0.02)
        return samples


@pytest.fixture
def settings(clean_environment: None) -> Settings:
    return Settings(plugins={"metrics": {"port": 0}})


async def test_a_call_is_counted_by_persona_direction_and_outcome(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    by = {"persona": "reminder", "direction": "outbound", "outcome": "transferred"}
    record = a_record(ring_time=2.0, time_to_first_word=0.3, duration=8.0)
    async with counting(settings, caplog) as url:
        for _ in range(2):
            call = a_call_with_a_job(settings)
            await metrics.prepare_call(call=call.call)
            await metrics.call_ended(call=call.call, record=record)
        seen = await until(url, lambda seen: value(seen, "host_calls_total", **by) == 2)
        await until(url, live("reminder", 0))
    assert value(seen, "host_call_ring_seconds_sum", **by) == 4.0
    assert value(seen, "host_call_first_word_seconds_count", **by) == 2
    assert value(seen, "host_call_first_word_seconds_bucket", le="0.25", **by) == 0
    assert value(seen, "host_call_first_word_seconds_bucket", le="0.5", **by) == 2
    assert value(seen, "host_call_duration_seconds_sum", **by) == 16.0


async def test_what_a_call_did_not_come_to_is_not_counted_of_it(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    record = a_record(
        outcome=Outcome.BUSY,
        answered_at=None,
        ring_time=None,
        time_to_first_word=None,
        duration=0.0,
    )
    by = {"persona": "reminder", "direction": "outbound", "outcome": "busy"}
    async with counting(settings, caplog) as url:
        await metrics.call_ended(call=a_call_with_a_job(settings).call, record=record)
        seen = await until(url, lambda seen: value(seen, "host_calls_total", **by) == 1)
    for name in ("ring", "first_word", "duration"):
        assert value(seen, f"host_call_{name}_seconds_count", **by) is None


async def test_voicemail_verdicts_and_transfers_are_counted(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    record = a_record(
        voicemail="machine-vm",
        transfers=[
            Transfer(at=NOW, to="billing", warm=True, succeeded=False, reason="no answer"),
            Transfer(at=NOW, to="billing", succeeded=True),
        ],
    )
    async with counting(settings, caplog) as url:
        await metrics.call_ended(call=a_call_with_a_job(settings).call, record=record)
        verdict = {"persona": "reminder", "verdict": "machine-vm"}
        seen = await until(
            url, lambda seen: value(seen, "host_voicemail_verdicts_total", **verdict) == 1
        )
    for kind, result in (("warm", "failed"), ("blind", "succeeded")):
        labels = {"persona": "reminder", "kind": kind, "result": result}
        assert value(seen, "host_transfers_total", **labels) == 1


async def test_a_call_that_was_handed_over_counts_once_and_its_shares_for_each_persona(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    def at(seconds: float) -> datetime:
        return NOW + timedelta(seconds=seconds)

    had = [("desk", 0, 40), ("accounts", 40, 100), ("desk", 100, 130), ("accounts", 130, 150)]
    record = a_record(
        persona="desk",
        direction="inbound",
        outcome=Outcome.COMPLETED,
        answered_at=at(10),
        ended_at=at(150),
        duration=140.0,
        personas=[
            PersonaShare(name=name, since=at(begun), until=at(ended)) for name, begun, ended in had
        ],
        transfers=[Transfer(at=at(50), to="billing", succeeded=False, reason="no answer")],
    )
    async with counting(settings, caplog) as url:
        call = a_call_with_a_job(settings, "desk")
        await metrics.prepare_call(call=call.call)
        await until(url, live("desk", 1))
        call.state.persona = "accounts"
        await metrics.joined(call=call.call, by="desk", note="")
        await until(url, live("accounts", 1))
        assert live("desk", 0)(await scrape(url))
        await metrics.call_ended(call=call.call, record=record)
        seen = await until(url, live("accounts", 0))
    counted = [labels for name, labels in seen if name == "host_calls_total"]
    assert [dict(labels)["persona"] for labels in counted] == ["desk"]
    by = {"persona": "desk", "direction": "inbound", "outcome": "completed"}
    assert value(seen, "host_call_duration_seconds_sum", **by) == 140
    for persona, seconds in (("desk", 60), ("accounts", 80)):
        labels = {"persona": persona, "direction": "inbound"}
        assert value(seen, "host_persona_calls_total", **labels) == 1
        assert value(seen, "host_talk_seconds_total", **labels) == seconds
    assert value(seen, "host_handovers_total", persona="desk", to="accounts") == 2
    assert value(seen, "host_handovers_total", persona="accounts", to="desk") == 1
    tried = {"persona": "accounts", "kind": "blind", "result": "failed"}
    assert value(seen, "host_transfers_total", **tried) == 1


async def test_the_cost_of_calls_is_summed_by_currency(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with counting(settings, caplog) as url:
        for record in (a_record("v1-cost"), a_record("v1-cost"), a_record()):
            await metrics.call_ended(call=a_call_with_a_job(settings).call, record=record)
        by = {"persona": "reminder", "direction": "outbound", "outcome": "transferred"}
        seen = await until(url, lambda seen: value(seen, "host_calls_total", **by) == 3)
    cost = value(seen, "host_cost_total", **by, currency="USD")
    assert cost == pytest.approx(2 * 0.0546)


async def test_a_caller_who_gives_up_is_no_call_that_a_persona_has_had(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    record = a_record(
        persona="desk",
        direction="inbound",
        outcome=Outcome.ABANDONED,
        dialled_at=None,
        answered_at=None,
        duration=0.0,
        personas=[PersonaShare(name="desk", since=NOW, until=NOW)],
    )
    async with counting(settings, caplog) as url:
        await metrics.call_ended(call=a_call_with_a_job(settings).call, record=record)
        seen = await until(url, lambda seen: any(name == "host_calls_total" for name, _ in seen))
    assert not any(name == "host_persona_calls_total" for name, _ in seen)


async def test_no_number_and_nothing_that_was_said_is_shown(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with counting(settings, caplog) as url:
        await metrics.call_ended(call=a_call_with_a_job(settings).call, record=a_record())
        await until(url, lambda seen: any(name == "host_calls_total" for name, _ in seen))
        async with aiohttp.ClientSession() as web, web.get(url) as response:
            text = await response.text()
    assert "5552220001" not in text
    assert "handed over" not in text


async def test_a_call_is_live_until_it_has_ended(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with counting(settings, caplog) as url:
        one, other = a_call_with_a_job(settings), a_call_with_a_job(settings, "survey")
        await metrics.prepare_call(call=one.call)
        await metrics.prepare_call(call=other.call)
        await until(url, live("reminder", 1))
        await until(url, live("survey", 1))
        await metrics.call_ended(call=one.call, record=a_record())
        await until(url, live("reminder", 0))
        await until(url, live("survey", 1))
        await metrics.call_ended(call=other.call, record=a_record(persona="survey"))
        await until(url, live("survey", 0))


IN_A_CALLS_PROCESS = """
import asyncio, sys
from plugins.metrics import line

async def live():
    opened = await line.connect()
    await line.say(opened, {"begun": "desk"})
    await asyncio.Event().wait()

asyncio.run(live())
"""


@pytest.mark.processes
async def test_a_call_whose_process_is_killed_is_no_longer_live(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with counting(settings, caplog) as url:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", IN_A_CALLS_PROCESS),
            cwd=Path(__file__).parents[2],
        )
        await until(url, live("desk", 1))
        process.kill()
        await process.wait()
        await until(url, live("desk", 0))


async def test_nothing_is_counted_where_no_port_is_set(clean_environment: None) -> None:
    settings = Settings()
    await asyncio.wait_for(metrics.while_serving(settings=settings), 5)
    call = a_call_with_a_job(settings)
    await metrics.prepare_call(call=call.call)
    await metrics.call_ended(call=call.call, record=a_record())
    assert not hasattr(call.call.state, "host_metrics_line")
    assert line.ADDRESS not in os.environ


async def test_a_chat_is_no_call(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    async with counting(settings, caplog):
        chat = a_call_with_a_job(settings)
        chat.job = None
        await metrics.prepare_call(call=chat.call)
        assert not hasattr(chat.call.state, "host_metrics_line")


async def test_a_host_that_is_gone_costs_a_call_nothing(
    settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = a_call_with_a_job(settings)
    async with counting(settings, caplog):
        address = os.environ[line.ADDRESS]
        await metrics.prepare_call(call=call.call)
    assert not Path(address).exists()
    monkeypatch.setenv(line.ADDRESS, address)
    await asyncio.wait_for(metrics.call_ended(call=call.call, record=a_record()), 5)
    late = a_call_with_a_job(settings)
    await asyncio.wait_for(metrics.prepare_call(call=late.call), 5)
    assert late.call.state.host_metrics_line is None
    assert "a call is not counted" in caplog.text


async def test_a_port_that_is_taken_is_one_line(
    clean_environment: None, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        await asyncio.wait_for(
            metrics.while_serving(settings=Settings(plugins={"metrics": {"port": port}})), 5
        )
    [said] = logged_by_the_host(caplog)
    assert f"metrics can't be served at 127.0.0.1 port {port}" in said.getMessage()
    assert line.ADDRESS not in os.environ
