"""The API lists and finds calls: live and recent ones, its own and all others."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from deployment import Deployment
from in_process_api import NUMBER, OURS, TOKEN, Api, an_api_in_process

from host.base.clock import now
from host.call.state import CallState, CallStatus
from host.dispatch.idempotency import Requests
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import PersonaShare
from host.records.redaction import redacted
from host.server.api.schemas import WantedCall
from host.server.api.status import queued
from host.server.api.store import CallStore
from host.server.live_calls import Masks
from host.settings import load_settings


@pytest.fixture
async def api(deployment: Deployment) -> AsyncIterator[Api]:
    """The API of a host with two personas; bob's records have numbers."""
    deployment.persona("ann")
    deployment.persona("bob")
    deployment.write(
        "host.toml",
        f'api_port = 0\napi_token = "{TOKEN}"\n[personas.bob]\nrecord_numbers = true\n',
    )
    async with an_api_in_process(load_settings()) as api:
        yield api


NOW = datetime.now(UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def end(api: Api, state: CallState, outcome: Outcome = Outcome.COMPLETED) -> None:
    """End a call now: its record is written as plugins write it."""
    state.ended_at = now()
    record = state.record(Ending(outcome, "far end", f"{outcome} it is"))
    settings = api.settings.of_a_call(record.names)
    api.ended(redacted(record, settings, api.settings.state_dir))


def ids(calls: list[dict[str, Any]]) -> list[str]:
    return [call["id"] for call in calls]


# What a call is


async def test_a_live_call_that_came_in_is_known_by_its_job_id(api: Api) -> None:
    answered = ago(2)
    api.live("AJ_in", status=CallStatus.ACTIVE, ringing_at=ago(4), answered_at=answered)
    status, call = await api.ask("GET", "/calls/AJ_in")
    assert status == 200
    assert (call["id"], call["persona"], call["direction"]) == ("AJ_in", "ann", "inbound")
    assert (call["status"], call["outcome"]) == ("active", None)
    assert datetime.fromisoformat(call["answered_at"]) == answered
    assert call["ringing_at"] < call["answered_at"] < call["dispatched_at"]
    assert (call["asked_at"], call["ended_at"]) == (None, None)
    assert await api.page() == ([call], None)


async def test_so_is_one_that_was_dispatched_and_then_its_outcome(api: Api) -> None:
    state = api.live("AJ_out", outbound=True, dialled_at=ago(1), status=CallStatus.DIALING)
    status, call = await api.ask("GET", "/calls/AJ_out")
    assert (status, call["direction"], call["status"]) == (200, "outbound", "dialing")
    end(api, state, Outcome.BUSY)
    status, over = await api.ask("GET", "/calls/AJ_out")
    assert (status, over["status"], over["outcome"]) == (200, "over", "busy")
    assert (over["reason"], over["retryable"]) == ("busy it is", True)
    assert over["dispatched_at"] == call["dispatched_at"] < over["ended_at"]
    assert await api.page() == ([over], None)


async def test_numbers_are_masked_as_the_settings_say_and_alike_while_live_and_after(
    api: Api,
) -> None:
    ann, bob = api.live("AJ_ann"), api.live("AJ_bob", persona="bob")
    before = {call["id"]: call for call in (await api.page())[0]}
    assert (before["AJ_bob"]["number"], before["AJ_bob"]["our_number"]) == (NUMBER, OURS)
    assert before["AJ_bob"]["room"] == f"call-_{NUMBER}_AJ_bob"
    assert before["AJ_ann"]["number"].startswith("+1…01~")
    assert NUMBER not in str(before["AJ_ann"])
    assert OURS not in str(before["AJ_ann"])
    for state in (ann, bob):
        end(api, state)
    after = {call["id"]: call for call in (await api.page())[0]}
    for id, call in before.items():
        for field in ("number", "our_number", "room"):
            assert after[id][field] == call[field]


async def test_a_call_that_was_handed_over_is_named_and_masked_alike_while_live_and_after(
    api: Api,
) -> None:
    shares = [PersonaShare(name=name, since=ago(9)) for name in ("bob", "ann")]
    state = api.live("AJ_1", persona="ann", personas=shares)
    [[before], _] = await api.page()
    end(api, state)
    [[after], _] = await api.page()
    assert (before["persona"], after["persona"]) == ("bob", "bob")
    assert NUMBER not in f"{before}{after}", "ann has no numbers in her records"
    assert before["number"] == after["number"]


async def test_a_call_of_the_api_is_masked_for_all_who_may_get_it(deployment: Deployment) -> None:
    deployment.write("host.toml", "[personas.bob]\nrecord_numbers = true\n")
    wanted = WantedCall(persona="bob", number=NUMBER, reference=f"lead of {NUMBER}")
    shown = queued("1", wanted, "room", Masks(load_settings()))
    assert (shown.number, shown.reference) == (NUMBER, f"lead of {NUMBER}")
    deployment.write(
        "host.toml", "[personas.bob]\nrecord_numbers = true\nhands_over_to = ['ann']\n"
    )
    masked = queued("1", wanted, "room", Masks(load_settings()))
    assert NUMBER not in masked.model_dump_json()


async def test_records_of_a_time_with_open_numbers_are_masked_as_the_settings_are_now(
    api: Api,
) -> None:
    state = api.live("AJ_1")
    state.ended_at = now()
    api.ended(state.record(Ending(Outcome.COMPLETED, "far end", "over")))
    (call,), _ = await api.page()
    assert NUMBER not in str(call)
    assert OURS not in str(call)


async def test_a_call_of_others_has_the_results_and_ids_of_its_record(api: Api) -> None:
    state = api.live("AJ_1", metadata={"reference": "L-17", "idempotency_key": "order-7"})
    _, live = await api.ask("GET", "/calls/AJ_1")
    assert (live["reference"], live["idempotency_key"], live["results"]) == ("L-17", "order-7", {})
    state.results = {"booking": {"day": "Monday"}}
    end(api, state)
    _, over = await api.ask("GET", "/calls/AJ_1")
    assert (over["reference"], over["idempotency_key"]) == ("L-17", "order-7")
    assert over["results"] == state.results
    assert await api.page() == ([over], None)


async def test_its_results_and_ids_are_masked_as_the_settings_are_now(api: Api) -> None:
    given = {"reference": f"crm-{NUMBER}", "idempotency_key": f"order-{NUMBER}"}
    state = api.live("AJ_1", metadata=given, results={"booking": {"phone": NUMBER}})
    (live,), _ = await api.page()
    state.ended_at = now()
    api.ended(state.record(Ending(Outcome.COMPLETED, "far end", f"{NUMBER} hung up")))
    (over,), _ = await api.page()
    assert over["results"] == {"booking": {"phone": "+1…01"}}
    for field in given:
        assert over[field] == live[field] != given[field]
    assert NUMBER not in str([live, over])


async def test_the_list_has_the_results_of_a_call_of_the_api_until_they_are_purged(
    api: Api,
) -> None:
    asked = api.asked("its-own-id", ago(60), status="over", outcome="completed", reference="L-17")
    state = api.settings.state_dir
    Requests(state).note_results("key-its-own-id", json.dumps({"booking": {"day": "Monday"}}))
    (call,), _ = await api.page()
    assert (call["results"], call["reference"]) == ({"booking": {"day": "Monday"}}, "L-17")
    assert (await api.ask("GET", f"/calls/{asked.id}"))[1] == call
    store = CallStore(state)
    found = store.read(asked.id)
    assert found
    store.end(found[1])  # as when its record tells another outcome
    store.forget_results(now())
    (call,), _ = await api.page()
    assert call["results"] == {}


async def test_a_call_of_the_api_is_listed_once_under_its_own_id(api: Api) -> None:
    asked = api.asked("its-own-id", ago(60))
    state = api.live("AJ_1", outbound=True, room=asked.room)
    assert ids((await api.page())[0]) == ["its-own-id"]
    assert (await api.ask("GET", "/calls/AJ_1"))[0] == 200
    end(api, state)
    assert ids((await api.page())[0]) == ["its-own-id"]
    assert ids((await api.page(live="false"))[0]) == []


async def test_what_is_not_there_is_not_found(api: Api) -> None:
    api.live("AJ_1")
    for id in ("AJ_2", "AJ_", "AJ_1.json", "..%2fAJ_1", "AJ_*", "%00", "x" * 500):
        for method in ("GET", "DELETE"):
            status, told = await api.ask(method, f"/calls/{id}")
            assert (status, told["detail"]) in [(404, "no such call"), (404, "Not Found")]


# Filters


async def test_calls_are_listed_newest_first_with_filters(api: Api) -> None:
    api.live("AJ_ann", dispatched_at=ago(100))
    api.live("AJ_bob", dispatched_at=ago(200), persona="bob", metadata={"reference": "L-17"})
    end(api, api.live("AJ_busy", dispatched_at=ago(300), outbound=True), Outcome.BUSY)
    done = api.live(
        "AJ_done", dispatched_at=ago(400), persona="bob", metadata={"reference": "L-17"}
    )
    end(api, done)
    api.asked("api-live", ago(150), reference="L-18")
    over = {"status": "over", "outcome": "busy", "persona": "bob", "reference": "L-17"}
    api.asked("api-over", ago(350), **over)
    everything = ["AJ_ann", "api-live", "AJ_bob", "AJ_busy", "api-over", "AJ_done"]
    for query, expected in [
        ({}, everything),
        ({"live": "true"}, ["AJ_ann", "api-live", "AJ_bob"]),
        ({"live": "false"}, ["AJ_busy", "api-over", "AJ_done"]),
        ({"persona": "bob"}, ["AJ_bob", "api-over", "AJ_done"]),
        ({"outcome": "busy"}, ["AJ_busy", "api-over"]),
        ({"outcome": "busy", "live": "true"}, []),
        ({"outcome": "busy", "persona": "bob"}, ["api-over"]),
        ({"persona": "nobody"}, []),
        ({"reference": "L-17"}, ["AJ_bob", "api-over", "AJ_done"]),
        ({"reference": "L-17", "live": "true"}, ["AJ_bob"]),
        ({"reference": "L-17", "outcome": "busy"}, ["api-over"]),
        ({"reference": "L-1"}, []),
        ({"since": ago(250).isoformat()}, ["AJ_ann", "api-live", "AJ_bob"]),
        ({"since": "9999-12-31T23:59:59Z"}, []),
        ({"since": "0001-01-01T00:00:00+14:00"}, everything),
        ({"limit": "2"}, everything[:2]),
    ]:
        assert ids((await api.page(**query))[0]) == expected, query


async def test_a_call_is_found_by_each_persona_that_had_it(api: Api) -> None:
    shares = [PersonaShare(name=name, since=ago(5)) for name in ("ann", "bob")]
    api.live("AJ_live", persona="bob", personas=shares, dispatched_at=ago(10))
    end(api, api.live("AJ_over", persona="bob", personas=shares, dispatched_at=ago(20)))
    api.live("AJ_bobs", persona="bob", dispatched_at=ago(30))
    assert ids((await api.page(persona="ann"))[0]) == ["AJ_live", "AJ_over"]
    assert ids((await api.page(persona="bob"))[0]) == ["AJ_live", "AJ_over", "AJ_bobs"]


async def test_a_reference_with_a_number_finds_calls_that_mask_it(api: Api) -> None:
    reference = f"lead-{NUMBER[1:]}"
    api.live("AJ_live", metadata={"reference": reference}, dispatched_at=ago(10))
    end(api, api.live("AJ_over", metadata={"reference": reference}, dispatched_at=ago(20)))
    mask = Masks(api.settings)
    wanted = WantedCall(persona="ann", number=NUMBER, reference=reference)
    asked = queued("its-own-id", wanted, "ann-1", mask)
    api.asked(asked.id, ago(30), reference=asked.reference)
    calls, _ = await api.page(reference=reference)
    assert ids(calls) == ["AJ_live", "AJ_over", "its-own-id"]
    assert {call["reference"] for call in calls} == {mask.id(reference, NUMBER, ["ann"])}
    assert NUMBER[1:] not in str(calls)


async def test_what_is_older_than_a_week_is_not_listed(api: Api) -> None:
    end(api, api.live("AJ_old", dispatched_at=ago(8 * 24 * 3600)))
    end(api, api.live("AJ_new", dispatched_at=ago(6 * 24 * 3600)))
    assert ids((await api.page())[0]) == ["AJ_new"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "1.0"),
        ("limit", "+5"),
        ("limit", ""),
        ("live", "yes"),
        ("live", "1"),
        ("outcome", "fine"),
        ("since", "yesterday"),
        ("since", "0"),
        ("since", "2026-11-30"),
        ("since", "2026-11-30T09:00:00"),
        ("since", "2026-99-99T09:00:00Z"),
        ("cursor", "x"),
        ("cursor", ""),
        ("cursor", "x" * 201),
        ("persona", "x" * 101),
        ("personna", "ann"),
    ],
)
async def test_a_wrong_parameter_is_told_by_its_name(api: Api, name: str, value: str) -> None:
    status, told = await api.ask("GET", "/calls", **{name: value})
    assert (status, [fault["loc"] for fault in told["detail"]]) == (422, [["query", name]])


# Pages


async def test_a_hundred_live_calls_are_listed(api: Api) -> None:
    for at in range(100):
        api.live(f"AJ_{at:03}", dispatched_at=ago(1000 - at))
    calls, cursor = await api.page(live="true", limit=100)
    assert ids(calls) == [f"AJ_{at:03}" for at in reversed(range(100))]
    assert cursor is None


async def test_a_page_that_is_just_full_has_no_next_one(api: Api) -> None:
    for at in range(4):
        api.live(f"AJ_{at}", dispatched_at=ago(at))
    first, cursor = await api.page(limit=2)
    assert cursor
    second, end_of_it = await api.page(limit=2, cursor=cursor)
    assert (ids(first + second), end_of_it) == (["AJ_0", "AJ_1", "AJ_2", "AJ_3"], None)


async def test_calls_of_one_moment_are_neither_lost_nor_repeated(api: Api) -> None:
    at = ago(10)
    for number in range(5):
        api.live(f"AJ_live{number}", dispatched_at=at)
        api.asked(f"api-{number}", at)
        end(api, api.live(f"AJ_over{number}", dispatched_at=at))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        calls, cursor = await api.page(limit=2, **({"cursor": cursor} if cursor else {}))
        seen += ids(calls)
    assert len(seen) == len(set(seen)) == 15


@pytest.mark.parametrize("seed", range(5))
async def test_paging_neither_loses_nor_repeats_a_call_while_calls_come_and_end(
    api: Api, seed: int
) -> None:
    dice = random.Random(seed)
    live: list[CallState] = []
    there: set[str] = set()
    for at in range(60):
        begun = ago(dice.uniform(10, 5000))
        kind = dice.choice(["api", "live", "over"])
        if kind == "api":
            api.asked(f"api-{at}", begun)
            there.add(f"api-{at}")
            continue
        state = api.live(f"AJ_{at}", dispatched_at=begun)
        there.add(state.id)
        if kind == "live":
            live.append(state)
        else:
            end(api, state)
    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    coming = 0
    while cursor is not None:
        calls, cursor = await api.page(limit=7, **({"cursor": cursor} if cursor else {}))
        seen += calls
        for _ in range(3):  # new ones arrive, and others come to their end
            coming += 1
            api.live(f"AJ_new{coming}", dispatched_at=now())
            api.asked(f"api-new{coming}", now())
            if live:
                end(api, live.pop(dice.randrange(len(live))))
    assert len(ids(seen)) == len(set(ids(seen)))
    assert set(ids(seen)) == there
    began = [datetime.fromisoformat(call["asked_at"] or call["dispatched_at"]) for call in seen]
    assert began == sorted(began, reverse=True)


async def test_a_call_that_ends_between_the_reads_of_a_page_is_on_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = api.live("AJ_1")
    from host.records import recent

    read = recent.newest

    def ends_first(*facts: Any, **more: Any) -> Any:
        end(api, state)
        return read(*facts, **more)

    monkeypatch.setattr(recent, "newest", ends_first)
    (call,), _ = await api.page()
    assert (call["id"], call["status"]) == ("AJ_1", "over")


# Who may ask


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/calls"), ("GET", "/calls/AJ_1"), ("DELETE", "/calls/AJ_1")]
)
@pytest.mark.parametrize("given", [None, "", "Bearer", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}"])
async def test_without_the_token_nothing_is_told(
    api: Api, method: str, path: str, given: str | None
) -> None:
    api.live("AJ_1")
    headers = {} if given is None else {"Authorization": given}
    status, told, answered = await api.send(method, path, headers)
    assert (status, told) == (401, {"detail": "the token is missing or wrong"})
    assert answered["www-authenticate"] == "Bearer"
