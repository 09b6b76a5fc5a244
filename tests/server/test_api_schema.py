"""The HTTP API against its own OpenAPI: schemathesis sends what it allows, and what it does not."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from api_client import TOKEN, Client, a_livekit, an_api, emit_in_this_process
from deployment import Deployment
from schemathesis.core.result import Ok

from host.server.events import EventStream

Case = schemathesis.Case[Any]

pytestmark = pytest.mark.processes


@pytest.fixture
async def client(
    deployment: Deployment, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Client]:
    """A program that uses the API of a host with two personas; nobody takes its calls."""
    monkeypatch.setattr("host.server.api.placing.MOST", 10_000)
    emit_in_this_process(monkeypatch)
    deployment.persona("ann")
    deployment.write(
        "personas/bob.py",
        '''
        """bob: wants a time."""

        from host import hookimpl


        @hookimpl
        def parse_metadata(metadata):
            return metadata["time"].upper()


        @hookimpl
        def instructions(call):
            return "bob"
        ''',
    )
    async with a_livekit() as livekit:
        livekit.turning_away.set()
        numbers = {"allow_numbers": ANY_NUMBER, "deny_numbers": [DENIED]}
        stream = EventStream()
        event = {"type": "call.status", "timestamp": "2026-11-30T09:00:00Z", "data": {"id": "AJ_1"}}
        stream.publish("call.status", "AJ_1", json.dumps(event))
        stream.close()  # so that each response has an end
        async with an_api(caplog, livekit, stream, api_rate=100_000, **numbers) as client:
            yield client


async def test_its_openapi_names_the_personas_and_says_what_may_come_back(client: Client) -> None:
    status, described, _ = await client.ask("GET", "/openapi.json")
    assert status == 200
    assert described["openapi"].startswith("3.")
    wanted = described["components"]["schemas"]["WantedCall"]["properties"]
    assert wanted["persona"]["enum"] == ["ann", "bob"]
    posted = described["paths"]["/calls"]["post"]
    expected = {"202", "400", "401", "403", "408", "409", "413", "422", "429", "503"}
    assert set(posted["responses"]) == expected
    assert posted["security"] == [{"HTTPBearer": []}]
    assert posted["responses"]["202"]["headers"].keys() == {"Location"}
    assert posted["responses"]["503"]["headers"].keys() == {"Retry-After"}
    read = described["paths"]["/calls/{id}"]["get"]["responses"]
    assert set(read) == {"200", "400", "401", "404", "413", "422", "429", "503"}
    assert read["429"]["headers"].keys() == {"Retry-After"}
    assert read["401"]["headers"].keys() == {"WWW-Authenticate"}
    of_a_call = described["paths"]["/calls/{id}"]
    assert set(of_a_call["delete"]["responses"]) == {*read, "202"}
    listed = described["paths"]["/calls"]["get"]
    assert set(listed["responses"]) == {"200", "400", "401", "413", "422", "429", "503"}
    names = {"persona", "outcome", "reference", "live", "since", "limit", "cursor"}
    assert {parameter["name"] for parameter in listed["parameters"]} == names
    followed = described["paths"]["/events"]["get"]
    assert set(followed["responses"]) == set(listed["responses"])
    assert followed["responses"]["200"]["content"].keys() == {"text/event-stream"}
    assert followed["responses"]["401"]["content"].keys() == {"application/json"}
    assert {parameter["name"] for parameter in followed["parameters"]} == {"call", "Last-Event-ID"}
    requests = (listed, followed, *of_a_call.values())
    assert all(each["security"] == [{"HTTPBearer": []}] for each in requests)
    of_campaigns = {"", "/{id}", "/{id}/results", "/{id}/{what}"}
    assert set(described["paths"]) == {
        *("/calls", "/calls/{id}", "/events"),
        *(f"/campaigns{rest}" for rest in of_campaigns),
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize("examples", [15, pytest.param(100, marks=pytest.mark.every)])
async def test_nothing_that_schemathesis_sends_breaks_it(client: Client, examples: int) -> None:
    _, call, _ = await client.place(idempotency_key=TAKEN)
    await client.over(call["id"])  # nobody has it, so that nobody is told to hang up
    answers = await asyncio.to_thread(fuzz, client.address, call["id"], examples)
    assert answers["POST /calls"].keys() >= {202, 403, 409, 422}
    for operation in ("GET /calls/{id}", "DELETE /calls/{id}"):
        assert answers[operation].keys() >= {200, 404}
    for operation in ("GET /calls", "GET /events"):
        assert answers[operation].keys() >= {200, 422}
    assert answers["POST /calls"].total() >= examples
    for operation in ("GET /calls", "GET /events", "GET /calls/{id}", "DELETE /calls/{id}"):
        assert answers[operation].total() >= examples
    assert (await client.place(details={"time": "3pm"}))[0] == 202


def fuzz(address: str, id: str, examples: int) -> dict[str, Counter[int]]:
    """Send so many requests of each kind; give how often each operation gave each status.

    Some of those that are allowed ask for the call with this id, have its key, or a number that is
    denied. Raises what is wrong with an answer.
    """
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json", headers=HEADERS)
    answers: dict[str, Counter[int]] = {}
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found.err()
        operation = found.ok()
        for mode in schemathesis.GenerationMode:
            cases = operation.as_strategy(generation_mode=mode)
            if mode.is_positive:
                cases |= cases.map(lambda case: _of_a_call_there_is(case, id)) | cases.map(_denied)
            else:
                cases = cases.filter(_is_sent_wrong)
            answers.setdefault(operation.label, Counter()).update(_many(cases, examples))
    return answers


def _is_sent_wrong(case: Case) -> bool:
    """False with a list of one in the query, which is sent as its element: that may be right."""
    return not any(isinstance(value, list) and len(value) == 1 for value in case.query.values())


def _of_a_call_there_is(case: Case, id: str) -> Case:
    if "id" in case.path_parameters:
        case.path_parameters["id"] = id
    elif case.method == "POST":
        case.headers.pop("Idempotency-Key", None)
        assert isinstance(case.body, dict)
        case.body["idempotency_key"] = TAKEN
    return case


def _denied(case: Case) -> Case:
    if case.method == "POST":
        case.headers.pop("Idempotency-Key", None)
        case.body = {"persona": "ann", "number": DENIED}
    return case


def _many(cases: hypothesis.strategies.SearchStrategy[Case], examples: int) -> Counter[int]:
    """Send so many of these cases, or as many as there are; give how each was answered."""
    statuses: Counter[int] = Counter()

    @hypothesis.given(case=cases)
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def send(case: Case) -> None:
        answer = case.call(headers=HEADERS)
        statuses[answer.status_code] += 1
        assert answer.status_code < 500, (case, answer.text)
        case.validate_response(answer, checks=CHECKS)

    send()
    return statuses


ANY_NUMBER = [f"+{digit}*" for digit in range(1, 10)]
DENIED = "+12125550199"
TAKEN = "the-key-of-a-call-there-is"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
CHECKS = [
    getattr(schemathesis.checks, name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
        "negative_data_rejection",
        "ignored_auth",
    )
]
