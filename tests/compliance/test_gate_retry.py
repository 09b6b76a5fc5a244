"""A number that may not be called now: when it may be, by hours, attempts and budget together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from carrier import Carrier, place
from sample_calls import call_of

from host.compliance import Gate, Rule, Verdict
from host.compliance.budget import Budget
from host.compliance.hours import when_allowed, why_not_now
from host.records.record import CallRecord
from host.settings import Settings

NEW_YORK, BERLIN, TOLL_FREE = "+12125550123", "+493012345678", "+18002123456"
EVERYWHERE: dict[str, Any] = {
    "allow_numbers": [f"+{digit}*" for digit in range(1, 10)],
    "max_attempts_a_day": 0,
    "trunk": "ST_1",
}


def asked(number: str, at: str, **settings: Any) -> Verdict:
    """Ask the gate about a number at an instant."""
    made = Settings(**{**EVERYWHERE, **settings})
    gate = Gate(made, made.persona("desk"))
    return gate.dial(number, datetime.fromisoformat(at), attempt=False)


def allowed_from(verdict: Verdict) -> str:
    """Say when a refused number will be allowed."""
    assert verdict.retry_at is not None
    return verdict.retry_at.isoformat()


def first_allowed(gate: Gate, verdict: Verdict) -> str:
    """Say when a refused number will be allowed: the gate allows it then, and not before."""
    assert verdict.retry_at is not None
    assert verdict.number is not None
    assert gate.dial(verdict.number, verdict.retry_at, attempt=False).allowed
    before = verdict.retry_at - timedelta(minutes=1)
    assert not gate.dial(verdict.number, before, attempt=False).allowed
    return allowed_from(verdict)


@pytest.mark.parametrize(
    ("number", "at", "again"),
    [
        (NEW_YORK, "2026-01-15T12:59:59Z", "2026-01-15T08:00:00-05:00"),
        (NEW_YORK, "2026-01-16T02:00:00Z", "2026-01-16T08:00:00-05:00"),
        (NEW_YORK, "2026-01-31T23:30:00-05:00", "2026-02-01T08:00:00-05:00"),
        (BERLIN, "2026-12-31T22:00:00+01:00", "2027-01-01T08:00:00+01:00"),
        # Over the nights in which its clocks change
        (NEW_YORK, "2026-03-07T22:00:00-05:00", "2026-03-08T08:00:00-04:00"),
        (NEW_YORK, "2026-10-31T22:00:00-04:00", "2026-11-01T08:00:00-05:00"),
        # From New York to Hawaii, it is day from 13:00 in New York on
        (TOLL_FREE, "2026-01-15T17:59:00Z", "2026-01-15T08:00:00-10:00"),
        (TOLL_FREE, "2026-01-16T02:00:00Z", "2026-01-16T08:00:00-10:00"),
    ],
)
def test_the_hours_tell_when_they_begin(number: str, at: str, again: str) -> None:
    verdict = asked(number, at)
    assert verdict.rule is Rule.HOURS
    assert verdict.retry_at is not None
    assert verdict.retry_at.isoformat() == again
    assert str(verdict).endswith(f"(rule: hours), allowed from {again}")
    assert asked(number, again).allowed
    before = verdict.retry_at - timedelta(minutes=1)
    assert not asked(number, before.isoformat()).allowed


@pytest.mark.corpus
def test_it_is_the_first_such_time_at_any_hour_of_a_year() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for hour in range(0, 365 * 24, 35):  # so that all hours of the day come up
        moment = at + timedelta(hours=hour, minutes=hour % 60)
        for number in (NEW_YORK, TOLL_FREE, "+61291234567", "+97714123456"):
            again = when_allowed(number, "08:00-21:00", moment)
            assert again is not None
            assert why_not_now(number, "08:00-21:00", again) is None
            if again != moment:
                assert moment < again < moment + timedelta(hours=24)
                assert why_not_now(number, "08:00-21:00", again - timedelta(minutes=1))


def test_a_number_of_zones_too_far_apart_has_no_such_time() -> None:
    verdict = asked(TOLL_FREE, "2026-01-15T18:00:00Z", calling_hours="08:00-09:00")
    assert (verdict.rule, verdict.retry_at) == (Rule.HOURS, None)
    assert "allowed from" not in str(verdict)


def test_attempts_are_allowed_again_on_the_callees_next_day_within_its_hours(
    deployment_folder: Path,
) -> None:
    with time_machine.travel(datetime(2026, 1, 15, 20, tzinfo=UTC), tick=False):
        for hours, again in [
            ("08:00-21:00", "2026-01-16T08:00:00-05:00"),
            ("", "2026-01-16T00:00:00-05:00"),
        ]:
            settings = Settings(**{**EVERYWHERE, "max_attempts_a_day": 1, "calling_hours": hours})
            gate = Gate(settings, settings.persona("desk"))
            gate.dial(NEW_YORK)
            verdict = gate.dial(NEW_YORK)
            assert verdict.rule is Rule.ATTEMPTS
            assert first_allowed(gate, verdict) == again


def test_of_several_zones_the_next_day_is_the_last_ones(deployment_folder: Path) -> None:
    with time_machine.travel(datetime(2026, 1, 15, 20, tzinfo=UTC), tick=False):
        settings = Settings(**{**EVERYWHERE, "max_attempts_a_day": 1, "calling_hours": ""})
        gate = Gate(settings, settings.persona("desk"))
        gate.dial(TOLL_FREE)
        assert first_allowed(gate, gate.dial(TOLL_FREE))


@pytest.mark.parametrize(
    ("at", "zone", "hours", "again"),
    [
        # The host's midnight counts, and here it is within the callee's hours
        ("2026-01-15T15:00:00+01:00", "Europe/Berlin", "08:00-21:00", "2026-01-15T18:00:00-05:00"),
        ("2026-01-15T15:00:00-05:00", "America/New_York", "", "2026-01-16T00:00:00-05:00"),
        (
            "2026-01-15T15:00:00-05:00",
            "America/New_York",
            "08:00-21:00",
            "2026-01-16T08:00:00-05:00",
        ),
        # In Beirut, the clocks go forward at midnight
        ("2026-03-28T18:00:00+02:00", "Asia/Beirut", "", "2026-03-28T18:00:00-04:00"),
    ],
)
@pytest.mark.parametrize("limit", [{"max_calls_a_day": 1}, {"max_minutes_a_day": 5}])
def test_a_budget_begins_anew_at_the_hosts_midnight(
    deployment_folder: Path, at: str, zone: str, hours: str, again: str, limit: dict[str, Any]
) -> None:
    with time_machine.travel(datetime.fromisoformat(at).astimezone(ZoneInfo(zone)), tick=False):
        settings = Settings(**{**EVERYWHERE, "calling_hours": hours, "personas": {"desk": limit}})
        gate = Gate(settings, settings.persona("desk"), "desk")
        assert gate.dial(NEW_YORK).allowed
        Budget(settings.state_dir).admit("AJ_1", "desk", settings.persona("desk"))
        verdict = gate.dial(NEW_YORK)
        assert verdict.rule is Rule.BUDGET
        assert first_allowed(gate, verdict) == again
        assert Gate(settings, settings.persona("desk"), "other").dial(NEW_YORK).allowed


def test_hours_attempts_and_budget_are_awaited_together(deployment_folder: Path) -> None:
    """Early in the morning, today's calls and attempts are used up already."""
    early = datetime(2026, 1, 15, 5, tzinfo=ZoneInfo("America/New_York"))
    with time_machine.travel(early, tick=False):
        personas = {"desk": {"max_attempts_a_day": 1, "max_calls_a_day": 1}}
        settings = Settings(**EVERYWHERE, personas=personas)
        limits = settings.persona("desk")
        Budget(settings.state_dir).admit("AJ_1", "desk", limits)
        verdict = Gate(settings, limits, "desk").dial(NEW_YORK, attempt=False)
        assert verdict.rule is Rule.HOURS
        assert allowed_from(verdict) == "2026-01-16T08:00:00-05:00"
    day = datetime(2026, 1, 15, 12, tzinfo=ZoneInfo("America/New_York"))
    with time_machine.travel(day, tick=False):
        gate = Gate(settings, limits)
        assert gate.dial(NEW_YORK).allowed
        verdict = Gate(settings, limits, "desk").dial(NEW_YORK, attempt=False)
        assert verdict.rule is Rule.ATTEMPTS
        assert allowed_from(verdict) == "2026-01-16T08:00:00-05:00"


def test_where_attempts_can_not_be_counted_no_time_is_promised(deployment_folder: Path) -> None:
    (deployment_folder / ".host").mkdir()
    (deployment_folder / ".host" / "state.db").write_bytes(b"no database at all" * 99)
    for at in ("2026-01-15T12:00:00Z", "2026-01-15T18:00:00Z"):
        verdict = asked(NEW_YORK, at, max_attempts_a_day=1)
        assert verdict.rule in (Rule.HOURS, Rule.ATTEMPTS)
        assert verdict.retry_at is None
    settings = Settings(**EVERYWHERE, personas={"desk": {"max_calls_a_day": 1}})
    verdict = Gate(settings, settings.persona("desk"), "desk").dial(
        NEW_YORK, datetime.fromisoformat("2026-01-15T18:00:00Z")
    )
    assert (verdict.rule, verdict.retry_at) == (Rule.BUDGET, None)


def test_other_rules_promise_nothing() -> None:
    assert asked("+19005551234", "2026-01-15T18:00:00Z", allow_numbers=[]).retry_at is None
    assert asked(NEW_YORK, "2026-01-15T18:00:00Z").retry_at is None


async def test_the_record_of_a_blocked_call_has_it_in_utc(carrier: Carrier) -> None:
    with time_machine.travel(datetime(2026, 1, 16, 3, tzinfo=UTC)):
        async with carrier.livekit() as livekit:
            call = call_of(Settings(**EVERYWHERE), NEW_YORK)
            ending = await place(livekit, call)
    assert ending is not None
    record = CallRecord.model_validate_json(call.state.record(ending).model_dump_json())
    assert record.retry_at == datetime(2026, 1, 16, 13, tzinfo=UTC)
    assert '"retry_at":"2026-01-16T13:00:00Z"' in record.model_dump_json()
    assert record.reason.endswith("allowed from 2026-01-16T08:00:00-05:00")
    assert record.retryable
