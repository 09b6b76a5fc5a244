"""The HTTP API against its own OpenAPI: schemathesis sends what it allows, and what it does not."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import hypothesis
import pytest
import schemathesis
from api_client import TOKEN, Client, a_livekit, an_api
from deployment import Deployment

EXAMPLES = 60
"""Requests for each operation and way of making them."""


@pytest.fixture
async def client(deployment: Deployment, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Client]:
    """A program that uses the API of a host with two personas; nobody takes its calls."""
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
        async with an_api(caplog, livekit, api_rate=100_000) as client:
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
    assert set(described["paths"]["/calls/{id}"]["get"]["responses"]) >= {"200", "401", "404"}
    assert set(described["paths"]) == {"/calls", "/calls/{id}"}


@pytest.mark.timeout(600)
async def test_nothing_that_schemathesis_sends_breaks_it(client: Client) -> None:
    sent = await asyncio.to_thread(fuzz, client.address)
    assert sent["POST /calls"] >= EXAMPLES
    assert sent["GET /calls/{id}"] >= EXAMPLES / 2
    assert (await client.place(details={"time": "3pm"}))[0] == 202


def fuzz(address: str) -> Counter[str]:
    """Send requests of every kind; give how many of each operation. Raises what is wrong."""
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json", headers=HEADERS)
    sent: Counter[str] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in schemathesis.GenerationMode:
            sent[operation.label] += _many(operation.as_strategy(generation_mode=mode))
    return sent


def _many(cases: hypothesis.strategies.SearchStrategy[schemathesis.Case]) -> int:
    """Send EXAMPLES of these cases, or as many as there are; give how many."""
    sent = 0

    @hypothesis.given(case=cases)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def send(case: schemathesis.Case) -> None:
        nonlocal sent
        sent += 1
        answer = case.call(headers=HEADERS)
        assert answer.status_code < 500, (case, answer.text)
        case.validate_response(answer, checks=CHECKS)

    send()
    return sent


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
