"""Calls that a program hangs up over the API: those that it placed, and all others of the host."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from api_in_memory import have_no_processes
from in_memory.world import MemoryScene
from in_process_api import TOKEN, Api, an_api_in_process
from pydantic import SecretStr
from scene import a_number, end_of, length_of
from test_hangup import GOODBYE, Then, it_ended_at_once, require_cancelled, rung

from host.local.phone import Line, NoAnswer, Telephone
from host.records.outcome import Outcome
from host.server.api.schemas import AskedCall, WantedCall
from host.testing import Scene, heard_once

pytestmark = pytest.mark.memory("the API stands in the test's own process")

REASON = "an operator ended the call through the API"


@pytest.fixture
async def api(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """The API of the scene's host."""
    assert isinstance(scene, MemoryScene)
    have_no_processes(monkeypatch)
    given = {"api_port": 0, "api_token": SecretStr(TOKEN)}
    settings = scene.settings.model_copy(update=given)
    async with an_api_in_process(settings, scene.memory.heartbeats.__contains__) as api:
        yield api


async def until(api: Api, id: str, status: str) -> dict[str, Any]:
    """Ask for a call until it has a status."""
    async with asyncio.timeout(60):
        while True:
            code, call = await api.ask("GET", f"/calls/{id}")
            assert code == 200, call
            if call["status"] == status:
                return dict(call)
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("goodbye", ["", GOODBYE])
async def test_a_call_that_came_in_is_hung_up(scene: Scene, api: Api, goodbye: str) -> None:
    call = await rung(scene)
    (live,), _ = await api.page(live="true")
    asked = time.time()
    status, told = await api.ask("DELETE", f"/calls/{live['id']}", goodbye=goodbye)
    assert time.time() - asked < 1
    assert (status, told["id"]) in [(202, live["id"]), (200, live["id"])]
    record = await scene.over(call)
    require_cancelled(record, REASON)
    if goodbye:
        assert status == 202
        said = heard_once(call, GOODBYE)
        assert said.end < length_of(call) < said.end + 1
    else:
        it_ended_at_once(call, asked)
    over = await until(api, live["id"], "over")
    assert (over["outcome"], over["reason"], over["retryable"]) == ("cancelled", REASON, False)


async def test_a_call_of_the_api_stops_ringing(scene: Scene, api: Api) -> None:
    number = a_number(scene, NoAnswer())
    placed = await api.calls.placing.ask(WantedCall(persona="patient", number=number))
    await until(api, placed.id, "ringing")
    asked = time.time()
    status, _ = await api.ask("DELETE", f"/calls/{placed.id}", goodbye=GOODBYE)
    assert status in (200, 202)
    over = await until(api, placed.id, "over")
    call = await scene.exchange.call_to(number)
    record = await scene.over(call)
    assert end_of(call) - asked < 1
    require_cancelled(record, f"{REASON} before it was answered")
    assert (over["outcome"], over["reason"]) == ("cancelled", record.reason)
    assert over["retryable"] is False
    assert over["number"] == record.number == (await api.page())[0][0]["number"]


async def test_a_call_of_the_api_that_talks_hears_a_goodbye(scene: Scene, api: Api) -> None:
    then = Then()
    number = a_number(scene, Telephone(script=then.after(lambda line: line.heard("is a test"))))
    wanted = WantedCall(persona="leaves", number=number, details={"name": "Ann"})
    placed = await api.calls.placing.ask(wanted)
    await then.there.wait()
    assert (await api.ask("DELETE", f"/calls/{placed.id}", goodbye=GOODBYE))[0] == 202
    call = await scene.exchange.call_to(number)
    require_cancelled(await scene.over(call), REASON)
    heard_once(call, GOODBYE)
    assert (await until(api, placed.id, "over"))["outcome"] == "cancelled"


async def test_what_came_out_of_a_call_before_it_was_hung_up_is_told(
    scene: Scene, api: Api
) -> None:
    async def books(line: Line) -> None:
        await line.heard("which day suits you")
        await line.say("On Monday please.")
        await line.heard("monday it is then")

    then = Then()
    number = a_number(scene, Telephone(script=then.after(books)))
    placed = await api.calls.placing.ask(
        WantedCall(persona="books", number=number, reference="L-17")
    )
    await then.there.wait()
    (live,), _ = await api.page(reference="L-17")
    assert (live["id"], live["status"], live["results"]) == (placed.id, "active", {})
    assert (await api.ask("DELETE", f"/calls/{placed.id}"))[0] in (200, 202)
    record = await scene.over(await scene.exchange.call_to(number))
    require_cancelled(record, REASON)
    assert record.results["booking"]["day"] == "Monday"
    await until(api, placed.id, "over")
    (over,), _ = await api.page(reference="L-17")
    assert (over["outcome"], over["results"]) == ("cancelled", record.results)
    assert await api.ask("GET", f"/calls/{placed.id}") == (200, over)


async def test_a_call_that_no_host_has_taken_is_cancelled_and_recorded_once(
    scene: Scene, api: Api
) -> None:
    assert isinstance(scene, MemoryScene)
    workers = dict(scene.server.workers)
    scene.server.workers.clear()  # nobody is there to take it
    number = a_number(scene, NoAnswer())
    wanted = WantedCall(persona="patient", number=number, reference="L-17")
    placed = await api.calls.placing.ask(wanted)
    await asyncio.sleep(1)
    status, over = await api.ask("DELETE", f"/calls/{placed.id}")
    assert (status, over["status"], over["outcome"]) == (200, "over", "cancelled")
    assert over["reason"] == f"{REASON} before it was answered"
    scene.server.workers.update(workers)
    record = await scene.record(placed.room)
    assert (record.id, record.outcome, record.ended_by) == (placed.id, "cancelled", "operator")
    assert (record.persona, record.retryable) == ("patient", False)
    assert (record.reference, over["reference"], over["results"]) == ("L-17", "L-17", {})
    await scene.no_room(placed.room)
    assert scene.exchange.ledger.of("INVITE", number=number) == []
    assert (await api.ask("GET", f"/calls/{placed.id}")) == (200, over)
    assert (await api.ask("DELETE", f"/calls/{placed.id}")) == (200, over)


async def test_a_call_that_no_host_takes_leaves_no_room_behind(scene: Scene, api: Api) -> None:
    assert isinstance(scene, MemoryScene)
    scene.server.workers.clear()
    number = a_number(scene, NoAnswer())
    placed = await api.calls.placing.ask(WantedCall(persona="patient", number=number))
    assert (await until(api, placed.id, "over"))["outcome"] == "refused"
    await scene.no_room(placed.room)
    record = await scene.record(placed.room)
    assert (record.outcome, record.ended_by) == ("refused", "host")


@pytest.mark.corpus
async def test_at_any_moment_of_its_beginning_a_call_is_cancelled_once(
    scene: Scene, api: Api
) -> None:
    for at in range(24):
        number = a_number(scene, NoAnswer())
        placed = await api.calls.placing.ask(WantedCall(persona="patient", number=number))
        await asyncio.sleep(at * 0.02)
        asked = time.time()
        status, _ = await api.ask("DELETE", f"/calls/{placed.id}")
        assert status in (200, 202), at
        over = await until(api, placed.id, "over")
        assert over["outcome"] == "cancelled", (at, over)
        record = await scene.record(placed.room)
        assert (record.outcome, record.ended_by) == (Outcome.CANCELLED, "operator"), at
        assert record.ended_at.timestamp() - asked < 2
        await scene.no_room(placed.room)


async def test_a_call_that_is_over_stays_as_it_is(scene: Scene, api: Api) -> None:
    call = await rung(scene)
    (live,), _ = await api.page()
    await call.hang_up()
    record = await scene.over(call)
    status, over = await api.ask("DELETE", f"/calls/{live['id']}", goodbye=GOODBYE)
    assert (status, over["outcome"], over["reason"]) == (200, record.outcome, record.reason)


async def test_a_call_that_does_not_respond_is_told_of_as_such(
    scene: Scene, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.runner.operator.hangup.read", lambda *facts: None)
    call = await rung(scene)
    (live,), _ = await api.page()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    status, told, answered = await api.send("DELETE", f"/calls/{live['id']}", headers)
    assert (status, told) == (503, {"detail": "the call can't be reached now"})
    assert int(answered["retry-after"]) > 0
    await call.hang_up()
    await scene.over(call)


@pytest.mark.parametrize("query", [{"goodbye": "x" * 501}, {"good_bye": "x"}])
async def test_a_wrong_parameter_hangs_up_nothing(
    scene: Scene, api: Api, query: dict[str, str]
) -> None:
    call = await rung(scene)
    (live,), _ = await api.page()
    status, told = await api.ask("DELETE", f"/calls/{live['id']}", **query)
    assert (status, [fault["loc"] for fault in told["detail"]]) == (422, [["query", *query]])
    await asyncio.sleep(2)
    assert not call.done
    await call.hang_up()
    await scene.over(call)


def test_a_call_of_an_earlier_version_is_read_as_it_was_stored() -> None:
    told = '{"id":"x","persona":"ann","room":"ann-1","asked_at":"2026-11-29T09:00:00Z"}'
    assert AskedCall.model_validate_json(told).number is None
