"""One call: its ending, its events, its record."""

import asyncio

import pytest
from sample_calls import call_of

from host.base.errors import HostError
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.settings import PersonaSettings, Settings


@pytest.fixture
def settings() -> Settings:
    return Settings(
        personas={"desk": PersonaSettings(transfers={"billing": "+15550003333"})},
        transfers={"bob": "+15550004444"},
    )


def test_a_call_shows_authors_this_and_nothing_else(settings: Settings) -> None:
    call = call_of(settings).call
    assert {name for name in dir(call) if not name.startswith("_")} == {
        *("id", "room", "persona", "outbound", "caller", "number", "our_number", "telephone"),
        *("metadata", "details", "status", "dispatched_at", "taken_over", "over", "asking"),
        *("reference", "results", "facts"),
        *("transcript", "voicemail_policy", "say", "hang_up", "transfer", "press", "choose"),
        *("pause_recording", "resume_recording", "unrecorded", "stop_recording"),
        *("collect_digits", "collect_letters", "hold", "on_hold", "opt_out", "meet_machine"),
        *("call_back", "local_time"),
        *("spawn", "state", "session", "job", "settings", "persona_settings", "hooks", "hand_over"),
        *("headers", "personas"),
    }


@pytest.mark.parametrize("name", ["number", "outbound", "session", "details", "status"])
def test_an_author_changes_none_of_what_the_host_knows(settings: Settings, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(call_of(settings).call, name, None)


async def test_only_the_first_ending_counts(settings: Settings) -> None:
    call = call_of(settings)
    call.end(Ending(Outcome.COMPLETED, "far end", "the caller hung up"))
    call.end(Ending(Outcome.FAILED, "host", "something broke"))
    assert call.over
    assert (await call.ending).outcome is Outcome.COMPLETED


async def test_an_event_that_fails_is_passed_over(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    async def good(status: str) -> None:
        told.append(status)

    async def bad() -> None:
        raise RuntimeError("a broken plugin")

    call = call_of(settings, call_status_changed=lambda call, status: [bad(), good(status)])
    await call.events.emit_and_wait("call_status_changed", status="active")
    assert told == ["active"]
    assert "call_status_changed of desk failed in call/test_call.py" in caplog.text
    assert "a broken plugin" in caplog.text


async def test_an_event_that_never_returns_is_left_behind(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("host.call.events.EVENT_LIMIT", 0.05)
    call = call_of(settings, prepare_call=lambda call: [asyncio.Event().wait()])
    await asyncio.wait_for(call.events.emit_and_wait("prepare_call"), 5)
    assert "prepare_call of desk failed" in caplog.text


async def test_what_runs_beside_a_call_ends_with_it(settings: Settings) -> None:
    call, begun, stopped = call_of(settings), asyncio.Event(), asyncio.Event()

    async def forever() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    call.spawn(forever(), "waiting")
    await asyncio.wait_for(begun.wait(), 5)
    await call.settle(0.01)
    await asyncio.wait_for(stopped.wait(), 5)


async def test_a_record_of_a_call_that_nobody_answered_has_no_duration(settings: Settings) -> None:
    call = call_of(settings)
    call.state.outbound, call.state.number = True, "+15552220001"
    call.state.mark("dialled")
    call.end(Ending(Outcome.BUSY, "far end", "the line was busy", 486))
    record = call.state.record(call.ending.result())
    assert (record.outcome, record.sip_status, record.duration) == (Outcome.BUSY, 486, 0.0)
    assert record.direction == "outbound"
    assert record.retryable
    assert record.answered_at is None
    assert record.dialled_at is not None
    assert record.dispatched_at <= record.dialled_at <= record.ended_at


async def test_a_transfer_takes_names_of_host_toml_and_no_numbers(settings: Settings) -> None:
    call = call_of(settings)
    with pytest.raises(HostError, match=r"desk has no transfer target '\+19005551234'"):
        await call.transfer("+19005551234")
    with pytest.raises(HostError, match=r"known: billing, bob"):
        await call.transfer("nobody")


async def test_a_call_without_a_line_can_neither_be_transferred_nor_press_keys(
    settings: Settings,
) -> None:
    call = call_of(settings)
    with pytest.raises(HostError, match="only telephone calls"):
        await call.transfer("billing")
    with pytest.raises(HostError, match="no telephone line"):
        await call.press("5")
