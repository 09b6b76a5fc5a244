"""Jobs without a process: which of them has a record, where several were of one request."""

from __future__ import annotations

import logging

import pytest
from deployment import Deployment
from sample_calls import an_answered_call

from host.call.state import CallState
from host.compliance.budget import Budget
from host.dispatch.idempotency import Requests
from host.records.record import CallRecord
from host.runner.aftermath import emit_call_ended, ended_now
from host.runner.checkpoint import CheckpointStore
from host.settings import Settings, load_settings

WRITES_DOWN = """
from host import hookimpl

@hookimpl
async def call_ended(call, record):
    with open({file!r}, "a") as file:
        file.write(record.model_dump_json() + "\\n")
"""
KEY = "order-7"


@pytest.fixture
def settings(deployment: Deployment) -> Settings:
    """A deployment with a persona, and a plugin that writes every record into a file."""
    deployment.persona("ann")
    file = str(deployment.folder / "records")
    deployment.write("plugins/writes.py", f'"""Writes."""\n{WRITES_DOWN.format(file=file)}')
    return load_settings()


def a_job(settings: Settings) -> CallState:
    """A job of an outbound request, which has dialled nobody yet."""
    state = an_answered_call(settings).state
    state.dialled_at = state.answered_at = None
    state.metadata = {"phone_number": state.number, "idempotency_key": KEY}
    return state


async def records_after(deployment: Deployment, state: CallState) -> list[CallRecord]:
    """What is recorded once a job's process has died."""
    settings = load_settings()
    call = an_answered_call(settings)
    call.state = state
    await emit_call_ended(settings, ended_now(CheckpointStore(settings.state_dir).checkpoint(call)))
    file = deployment.folder / "records"
    lines = file.read_text().splitlines() if file.exists() else []
    return [CallRecord.model_validate_json(line) for line in lines]


async def test_a_job_that_died_as_another_took_its_request_has_no_record_of_its_own(
    deployment: Deployment, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """It died in `prepare_call`, and the request was dispatched again into its room."""
    caplog.set_level(logging.INFO)
    state, requests = a_job(settings), Requests(settings.state_dir)
    requests.claim(KEY, state.id, state.room, "RM_1")
    requests.claim(KEY, "AJ_2", state.room, "RM_1")
    assert await records_after(deployment, state) == []
    assert f"job AJ_1 in room {state.room} is no call of its own" in caplog.text
    assert requests.find(KEY) == ("AJ_2", None, None)


async def test_nor_has_one_that_died_beside_a_call_or_after_it(
    deployment: Deployment, settings: Settings
) -> None:
    state, requests = a_job(settings), Requests(settings.state_dir)
    requests.claim(KEY, "AJ_0", "another room", "RM_0")
    assert await records_after(deployment, state) == []
    requests.settle("AJ_0", "completed", "the callee hung up", begun=True)
    assert await records_after(deployment, state) == []
    assert requests.find(KEY) == ("AJ_0", "completed", "the callee hung up")


async def test_the_budget_of_such_a_job_is_settled(
    deployment: Deployment, settings: Settings
) -> None:
    deployment.write("host.toml", "[personas.ann]\nmax_calls = 1\n")
    settings, requests = load_settings(), Requests(load_settings().state_dir)
    state, limits = a_job(settings), settings.persona("ann")
    state.persona = "ann"
    state.begin_share("ann")
    Budget(settings.state_dir).admit(state.id, "ann", limits)
    requests.claim(KEY, "AJ_2", state.room, "RM_1")
    assert await records_after(deployment, state) == []
    Budget(settings.state_dir).admit("AJ_2", "ann", limits)  # or Exhausted: the only line is free


@pytest.mark.parametrize("reached", ["dialled_at", "answered_at"])
async def test_a_job_that_has_dialled_is_recorded_whoever_has_its_request(
    deployment: Deployment, settings: Settings, reached: str
) -> None:
    state = a_job(settings)
    setattr(state, reached, an_answered_call(settings).state.dialled_at)
    Requests(settings.state_dir).claim(KEY, "AJ_2", state.room, "RM_1")
    (record,) = await records_after(deployment, state)
    assert record.id == state.id


async def test_so_is_one_with_a_caller(deployment: Deployment, settings: Settings) -> None:
    state = a_job(settings)
    state.outbound = False
    Requests(settings.state_dir).claim(KEY, "AJ_2", "another room", "RM_2")
    (record,) = await records_after(deployment, state)
    assert (record.id, record.direction) == (state.id, "inbound")


async def test_and_one_whose_request_no_other_job_has(
    deployment: Deployment, settings: Settings
) -> None:
    state = a_job(settings)
    (record,) = await records_after(deployment, state)
    assert (record.id, record.idempotency_key) == (state.id, KEY)
