"""Nobody is called too often: attempts are counted across all processes, by the callee's day."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from carrier import Carrier, place
from livekit.agents import JobContext
from programs import printed_by
from sample_calls import call_of

from host.call.live import LiveCall
from host.compliance import Gate, Rule
from host.compliance.attempts import Attempts
from host.records.ending import CallEnded, Ending
from host.records.outcome import Outcome
from host.runner.ending import Refused
from host.runner.runner import Runner
from host.settings import Settings

ANN, BOB = "+12125550101", "+12125550102"
OURS: dict[str, Any] = {"countries": ["US"], "calling_hours": "", "trunk": "ST_1"}


def gate_of(**settings: Any) -> Gate:
    deployment = Settings(**OURS, **settings)
    return Gate(deployment, deployment.persona("desk"))


async def test_a_number_is_dialled_so_often_a_day_and_no_more(carrier: Carrier) -> None:
    settings = Settings(**OURS, max_attempts_a_day=2)
    async with carrier.livekit() as livekit:
        endings = [await place(livekit, call_of(settings, ANN)) for _ in range(4)]
        assert await place(livekit, call_of(settings, BOB)) is None
    assert carrier.dialled == [ANN, ANN, BOB]
    assert endings[:2] == [None, None]
    for ending in endings[2:]:
        assert ending is not None
        assert ending.outcome is Outcome.BLOCKED
        assert ending.worth_a_retry
        assert "the number was already dialled 2 times today (rule: attempts)" in ending.reason


def test_nothing_is_counted_without_a_limit(deployment_folder: Path) -> None:
    gate = gate_of(max_attempts_a_day=0)
    assert all(gate.dial(ANN).allowed for _ in range(20))
    assert not (deployment_folder / ".host").exists()


def test_what_is_refused_for_another_reason_is_no_attempt() -> None:
    gate = gate_of(max_attempts_a_day=1)
    assert gate.dial("+442071234567").rule is Rule.COUNTRY
    at_night = datetime(2026, 1, 15, 8, tzinfo=UTC)
    by_day = gate_of(max_attempts_a_day=1).dial(ANN, attempt=False)
    deployment = Settings(**{**OURS, "calling_hours": "08:00-21:00"}, max_attempts_a_day=1)
    assert Gate(deployment, deployment.persona("desk")).dial(ANN, at_night).rule is Rule.HOURS
    assert by_day.allowed
    assert gate.dial(ANN).allowed


def test_to_ask_is_no_attempt() -> None:
    gate = gate_of(max_attempts_a_day=1)
    assert [gate.dial(ANN, attempt=False).allowed for _ in range(5)] == [True] * 5
    assert gate.dial(ANN).allowed
    assert gate.dial(ANN, attempt=False).rule is Rule.ATTEMPTS


def test_yesterdays_attempts_do_not_count(tmp_path: Path) -> None:
    attempts, now = Attempts(tmp_path), datetime.now(UTC)
    assert attempts.begin(ANN, now - timedelta(hours=1), 1)
    assert not attempts.begin(ANN, now - timedelta(hours=1), 1)
    assert attempts.begin(ANN, now + timedelta(seconds=5), 1)


def test_of_many_at_the_same_moment_as_many_are_dialled_as_may_be() -> None:
    gate = gate_of(max_attempts_a_day=3)
    with ThreadPoolExecutor(16) as pool:
        assert sum(verdict.allowed for verdict in pool.map(gate.dial, [ANN] * 40)) == 3


@pytest.mark.processes
def test_other_processes_count_too(deployment_folder: Path) -> None:
    program = """
        from host.compliance import Gate
        from host.settings import Settings
        settings = Settings(countries=["US"], calling_hours="", max_attempts_a_day=1)
        print(Gate(settings, settings.persona("desk")).dial("+12125550101").rule)
    """
    assert printed_by(program, cwd=deployment_folder) == "None\n"
    assert gate_of(max_attempts_a_day=1).dial(ANN).rule is Rule.ATTEMPTS


def test_where_nothing_can_be_counted_nothing_is_dialled(deployment_folder: Path) -> None:
    (deployment_folder / ".host").mkdir()
    (deployment_folder / ".host" / "state.db").write_bytes(b"this is no database at all" * 99)
    verdict = gate_of(max_attempts_a_day=3).dial(ANN)
    assert verdict.rule is Rule.ATTEMPTS
    assert "can't be counted" in verdict.reason


def test_the_count_is_the_owners_alone_and_forgets(deployment_folder: Path) -> None:
    gate = gate_of(max_attempts_a_day=3)
    gate.dial(ANN)
    file = deployment_folder / ".host" / "state.db"
    assert file.stat().st_mode & 0o777 == 0o600
    rows = sqlite3.connect(file)
    rows.execute("UPDATE attempts SET at = at - 4 * 86400")
    rows.commit()
    gate.dial(BOB)
    assert rows.execute("SELECT COUNT(*) FROM attempts").fetchone() == (1,)
    rows.close()
    assert BOB[1:].encode() not in file.read_bytes()


@pytest.mark.parametrize("limit", [-1, 1.5])
def test_a_limit_is_a_whole_number(limit: float) -> None:
    with pytest.raises(ValueError, match="max_attempts_a_day"):
        Settings(max_attempts_a_day=limit)


# A persona's own calls of the day: counted in by the worker, before the gate


def counted_in(call: LiveCall) -> Ending | None:
    """Count a call in as its runner does; return how it ends where it may not be made."""
    try:
        runner_of(call)._count_in()
    except CallEnded as ended:
        return ended.ending
    return None


def runner_of(call: LiveCall) -> Runner:
    """What has a call, before it has joined a room."""
    return Runner(cast(JobContext, None), call)


async def test_a_persona_that_has_had_its_calls_is_blocked_by_that_rule() -> None:
    settings = Settings(**OURS, personas={"desk": {"max_calls_a_day": 1}})
    first, second = (call_of(settings, ANN) for _ in range(2))
    first.state.id, second.state.id = "AJ_1", "AJ_2"
    assert counted_in(first) is None
    ending = counted_in(second)
    assert ending is not None
    assert ending.outcome is Outcome.BLOCKED
    assert ending.retry_at is not None
    reason = "desk has reached its daily limit of calls (1) (rule: budget), allowed from "
    assert ending.reason == f"{reason}{ending.retry_at.isoformat()}"
    gate = Gate(settings, settings.persona("desk"), "desk")
    assert gate.dial(ANN, ending.retry_at, attempt=False).allowed
    before = ending.retry_at - timedelta(minutes=1)
    assert not gate.dial(ANN, before, attempt=False).allowed
    assert ending.worth_a_retry


async def test_a_persona_that_has_all_its_calls_at_once_is_refused_and_not_blocked() -> None:
    settings = Settings(**OURS, personas={"desk": {"max_calls": 1}})
    first, second = (call_of(settings, ANN) for _ in range(2))
    first.state.id, second.state.id = "AJ_1", "AJ_2"
    assert counted_in(first) is None
    with pytest.raises(Refused, match=r"desk has reached its limit of live calls \(1\)"):
        runner_of(second)._count_in()
    assert not second.over  # the gate has nothing against it


@pytest.mark.parametrize("number", [ANN, None])
async def test_where_calls_cannot_be_counted_nobody_is_called_and_callers_are_answered(
    number: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def admit(*facts: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("host.compliance.budget.Budget.admit", admit)
    call = call_of(Settings(**OURS), number)
    if number is None:
        runner_of(call)._count_in()
    else:
        with pytest.raises(Refused, match="can't be counted: the disk is full"):
            runner_of(call)._count_in()
    assert not call.over


async def test_a_call_that_the_gate_refused_is_none_of_the_day(carrier: Carrier) -> None:
    settings = Settings(**OURS, personas={"desk": {"max_calls_a_day": 1}})
    abroad, near, late = (call_of(settings, each) for each in ("+442071234567", ANN, BOB))
    async with carrier.livekit() as livekit:
        for at, call in enumerate((abroad, near, late)):
            call.state.id = f"AJ_{at}"
            if ending := counted_in(call):
                call.end(ending)
            else:
                await place(livekit, call)
            runner_of(call)._count_out()
    assert carrier.dialled == [ANN]
    assert "(rule: budget)" in late.ending.result().reason
