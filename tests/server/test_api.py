"""The HTTP API: what a program asks of it, and what it is told; over HTTP, on a real server."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import re
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import pytest
from api_client import (
    NUMBER,
    TOKEN,
    Client,
    LiveKit,
    a_livekit,
    an_api,
    emit_in_this_process,
)
from deployment import HERE, Deployment
from programs import printed_by

from host.base.database import open_state
from host.dispatch.idempotency import NotClaimed, Requests
from host.records.record import CallRecord
from host.server.api.store import CallStore
from host.settings import load_settings

pytestmark = pytest.mark.processes

STRICT = '''
    """ann: wants a patient, and a time within opening hours."""

    import os, re, sys
    from typing import Any

    from pydantic import BaseModel, Field

    from host import hookimpl


    class Appointment(BaseModel):
        patient: str
        hour: int = Field(ge=9, le=17)
        extra: list[dict[str, int]] = []


    @hookimpl
    def parse_metadata(metadata):
        match metadata.get("patient"):
            case "raises ValueError":
                raise ValueError("nobody of that name")
            case "raises KeyError":
                return metadata["ward"]
            case "breaks":
                return metadata["patient"].no_such_method("Ann Secret")
            case "exits":
                sys.exit(3)
            case "dies":
                os._exit(3)
            case "prints":
                print("in_parse_metadata", metadata, flush=True)
                print("in_parse_metadata", metadata, file=sys.stderr)
                raise ValueError("printed")
            case "half":
                raise ValueError("half of a character: \\ud800")
            case str(text) if text.startswith("aaaa"):
                return re.fullmatch("(a+)+", text)
        return Appointment.model_validate(metadata)


    @hookimpl
    def instructions(call):
        return "ann"
'''


WITNESS = """
    from host import hookimpl


    @hookimpl
    async def call_ended(call, record):
        with open("records", "a") as file:
            file.write(record.model_dump_json() + "\\n")
"""
"""A plugin that notes each record."""


FORBIDS = """
    from pydantic import BaseModel

    from host import hookimpl


    class Nothing(BaseModel, extra="forbid"):
        FIELDS


    @hookimpl
    def parse_metadata(metadata):
        return Nothing.model_validate(metadata)


    @hookimpl
    def instructions(call):
        return "nobody"
"""


@pytest.fixture
async def livekit(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveKit]:
    """LiveKit as far as HTTP goes. It lets nobody in: a host that stops need not wait for that."""
    monkeypatch.setattr("host.dispatch.place.JOIN_LIMIT", 0.1)
    async with a_livekit() as livekit:
        yield livekit


@pytest.fixture
async def client_of_a_host(
    deployment: Deployment, livekit: LiveKit, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Client]:
    """A program that uses the API of a host with one persona, which notes each record.

    A process of its own notes it, as on any host.
    """
    deployment.write("personas/ann.py", STRICT)
    deployment.write("plugins/witness.py", WITNESS)
    async with an_api(caplog, livekit) as client:
        yield client
        livekit.turning_away.set()  # nobody is left waiting in LiveKit's SDK


@pytest.fixture
def client(client_of_a_host: Client, emitted_here: None) -> Client:
    """The same, without a process for each call that ends."""
    return client_of_a_host


@pytest.fixture
def emitted_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that emits `call_ended` in its own process."""
    emit_in_this_process(monkeypatch)


@pytest.fixture
def stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that hardly waits for its calls when it stops: none of them ends meanwhile."""
    monkeypatch.setattr("host.server.api.placing.CLOSING_LIMIT", 0.1)


@pytest.fixture
def hasty(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that gives calls of its last run up in half a second, and notes each record."""
    monkeypatch.setattr("host.server.api.following.NEWS_LIMIT", 0.5)
    deployment.write("personas/ann.py", STRICT)
    deployment.write("plugins/witness.py", WITNESS)


GOOD = {"patient": "Ann", "hour": 9}


async def recorded(deployment: Deployment, calls: int = 1) -> list[CallRecord]:
    """Wait until so many records were told of, and each checkpoint is gone; give them."""
    file, unfinished = deployment.folder / "records", deployment.folder / ".host" / "unfinished"
    async with asyncio.timeout(30):
        while not file.exists() or file.read_text().count("\n") < calls or [*unfinished.iterdir()]:
            await asyncio.sleep(0.05)  # another process writes it
    return [CallRecord.model_validate_json(line) for line in file.read_text().splitlines()]


# A call


async def test_a_call_is_placed_and_answered_for_at_once(client: Client) -> None:
    status, call, headers = await client.place(details=GOOD)
    assert status == 202
    assert headers["Location"] == f"/calls/{call['id']}"
    assert headers["Cache-Control"] == "no-store"
    assert (call["status"], call["persona"], call["outcome"]) == ("queued", "ann", None)
    assert call["room"].startswith("ann-")
    status, known, _ = await client.ask("GET", headers["Location"])
    assert (status, known) == (200, call)
    await client.livekit.until(lambda: client.livekit.rooms == [call["room"]])


async def test_a_call_that_no_host_takes_is_over_and_may_be_tried_again(client: Client) -> None:
    _, call, _ = await client.place(details=GOOD)
    client.livekit.turning_away.set()
    over = await client.over(call["id"])
    assert (over["outcome"], over["reason"]) == ("refused", "no host took the call")
    assert over["retryable"] is True
    assert over["asked_at"] < over["ended_at"]
    assert over["id"] == call["id"]


async def test_each_accepted_call_that_no_host_takes_has_one_record(
    client_of_a_host: Client, deployment: Deployment
) -> None:
    client = client_of_a_host
    calls = [(await client.place(details=GOOD))[1] for _ in range(3)]
    client.livekit.turning_away.set()
    for call in calls:
        await client.over(call["id"])
    records = {record.id: record for record in await recorded(deployment, 3)}
    assert records.keys() == {call["id"] for call in calls}
    for call in calls:
        record = records[call["id"]]
        assert (record.room, record.persona) == (call["room"], "ann")
        assert record.number
        assert record.number.startswith("+1…01")  # as in all records
        assert (record.direction, record.ended_by) == ("outbound", "host")
        assert (record.outcome, record.reason) == ("refused", "no host took the call")
        assert record.retryable
        assert record.dialled_at is None


async def require_unrecorded(client: Client, deployment: Deployment) -> None:
    """See that nothing was recorded so far: the next call is the first one that is."""
    _, other, _ = await client.place(details=GOOD)
    await client.over(other["id"])
    assert [record.id for record in await recorded(deployment)] == [other["id"]]


async def test_a_call_that_a_host_took_late_is_recorded_by_that_host_alone(
    client: Client, deployment: Deployment
) -> None:
    _, call, _ = await client.place(details=GOOD, idempotency_key="order-7")
    requests = Requests(load_settings().state_dir)
    requests.claim("order-7", "AJ_1", call["room"], "RM_1")
    client.livekit.turning_away.set()
    requests.settle("AJ_1", "busy", "the line was busy", begun=True)
    await client.over(call["id"])
    await require_unrecorded(client, deployment)


async def test_a_call_whose_job_ended_before_it_began_is_recorded_by_that_job_alone(
    client: Client, deployment: Deployment
) -> None:
    _, call, _ = await client.place(details=GOOD, idempotency_key="order-7")
    requests = Requests(load_settings().state_dir)
    assert requests.note_end("order-7", call["room"], "cancelled", "the room was closed")
    client.livekit.turning_away.set()
    over = await client.over(call["id"])
    assert (over["outcome"], over["reason"]) == ("cancelled", "the room was closed")
    await require_unrecorded(client, deployment)


async def test_what_is_told_as_over_gets_no_call_after_it(client: Client) -> None:
    _, call, _ = await client.place(details=GOOD, idempotency_key="order-7")
    client.livekit.turning_away.set()
    await client.over(call["id"])
    late = ("order-7", "AJ_1", call["room"], "RM_1")
    with pytest.raises(NotClaimed, match="this request was given up: no host took the call"):
        Requests(load_settings().state_dir).claim(*late)


async def test_a_call_that_a_host_took_late_is_told_as_it_goes(client: Client) -> None:
    _, call, _ = await client.place(details=GOOD, idempotency_key="order-7")
    requests = Requests(load_settings().state_dir)
    requests.claim("order-7", "AJ_1", call["room"], "RM_1")
    client.livekit.turning_away.set()
    requests.settle("AJ_1", "busy", "the line was busy", begun=True)
    over = await client.over(call["id"])
    assert (over["outcome"], over["reason"]) == ("busy", "the line was busy")


async def test_what_the_record_says_later_replaces_what_was_told(client: Client) -> None:
    _, call, _ = await client.place(details=GOOD, idempotency_key="order-7")
    client.livekit.turning_away.set()
    await client.over(call["id"])
    with open_state(load_settings().state_dir) as rows:  # as of a host of another version
        rows.execute("UPDATE requests SET call = 'AJ_1', outcome = 'declined', reason = 'no'")
    _, told, _ = await client.ask("GET", f"/calls/{call['id']}")
    assert (told["outcome"], told["reason"], told["retryable"]) == ("declined", "no", False)
    assert told["ended_at"]


async def test_ids_can_not_be_guessed_and_unknown_ones_are_not_found(client: Client) -> None:
    ids = {(await client.place(details=GOOD))[1]["id"] for _ in range(20)}
    assert len(ids) == 20
    assert all(re.fullmatch(r"[0-9a-f]{36}", id) for id in ids)
    for unknown in ("x", "..", "a" * 5000, "%00", "é", next(iter(ids))[:-1]):
        status, told, _ = await client.ask("GET", f"/calls/{unknown}")
        assert (status, told["detail"]) in [(404, "no such call"), (404, "Not Found")]


async def test_a_host_that_drains_takes_no_more_calls_and_tells_of_the_others(
    client: Client,
) -> None:
    _, call, _ = await client.place(details=GOOD)
    client.closed.append("draining")
    status, told, headers = await client.place(details=GOOD)
    assert (status, told) == (503, {"detail": "the host takes no calls: draining"})
    assert int(headers["Retry-After"]) > 0
    assert (await client.ask("GET", f"/calls/{call['id']}"))[0] == 200


async def test_no_more_calls_are_under_way_than_there_may_be(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.server.api.placing.MOST", 2)
    assert [(await client.place(details=GOOD))[0] for _ in range(3)] == [202, 202, 503]
    await client.livekit.until(lambda: len(client.livekit.rooms) == 2)


async def test_nor_are_there_more_of_those_that_are_asked_for_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.server.api.placing.MOST", 2)
    answers = await asyncio.gather(*(client.place(details=GOOD) for _ in range(20)))
    assert sorted(status for status, _, _ in answers) == [202] * 2 + [503] * 18
    await client.livekit.until(lambda: len(client.livekit.rooms) == 2)
    client.livekit.turning_away.set()
    for status, call, _ in answers:
        if status == 202:
            await client.over(call["id"])
    assert (await client.place(details=GOOD))[0] == 202


# The request


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"persona": "bob"}, ["body", "persona"]),
    ({"persona": "../ann"}, ["body", "persona"]),
    ({"persona": None}, ["body", "persona"]),
    ({"number": "15552220001"}, ["body", "number"]),
    ({"number": "+0555222000"}, ["body", "number"]),
    ({"number": "+1 555 222 0001"}, ["body", "number"]),
    ({"number": "+15552220001\n"}, ["body", "number"]),
    ({"number": "+1555222000１"}, ["body", "number"]),
    ({"number": "tel:+15552220001"}, ["body", "number"]),
    ({"number": "sip:1@example.com"}, ["body", "number"]),
    ({"number": 15552220001}, ["body", "number"]),
    ({"details": []}, ["body", "details"]),
    ({"details": {"phone_number": "+15559990001"}}, ["body", "details"]),
    ({"idempotency_key": ""}, ["body", "idempotency_key"]),
    ({"idempotency_key": "a b"}, ["body", "idempotency_key"]),
    ({"idempotency_key": "x" * 201}, ["body", "idempotency_key"]),
    ({"reference": ""}, ["body", "reference"]),
    ({"reference": "x" * 201}, ["body", "reference"]),
    ({"reference": "two\nlines"}, ["body", "reference"]),
    ({"reference": 17}, ["body", "reference"]),
    ({"details": {"reference": "L-17"}}, ["body", "details"]),
    ({"dtmf": "12x"}, ["body", "dtmf"]),
    ({"dtmf": ""}, ["body", "dtmf"]),
    ({"dtmf": "1" + "," * 30}, ["body", "dtmf"]),
    ({"dtmf": 12}, ["body", "dtmf"]),
    ({"details": {"dtmf": "12"}}, ["body", "details"]),
    ({"trunk": "ST_1"}, ["body", "trunk"]),
    ({"caller_id": "5550001111"}, ["body", "caller_id"]),
    ({"details": {"caller_id": "+15550001111"}}, ["body", "details"]),
    ({"headers": {"Idempotency-Key": "a b"}}, ["header", "Idempotency-Key"]),
    (
        {"headers": {"Idempotency-Key": "one"}, "idempotency_key": "other"},
        ["body", "idempotency_key"],
    ),
]
"""Requests, and the field that is wrong in them."""


async def test_wrong_requests_are_told_in_terms_of_their_fields(client: Client) -> None:
    for wanted, loc in WRONG:
        status, told, _ = await client.place(**{"details": GOOD, **wanted})
        assert status == 422, (wanted, told)
        assert [fault["loc"] for fault in told["detail"]] == [loc], wanted
        assert set(told["detail"][0]) == {"loc", "msg", "type"}, wanted
    assert client.livekit.rooms == []


NO_GOOD_JSON = [
    b"",
    b"{",
    b"[]",
    b"\xff",
    b"null",
    b'"\\ud800"',
    b"[" * 30_000,
    b'{"a":' * 5_000,
    b'{"persona": "ann", "number": "+15552220001", "details": {"hour": NaN}}',
    b'{"persona": "ann", "number": "+15552220001", "details": {"patient": "\\ud800"}}',
    b'{"persona": "ann", "number": "+15552220001", "number": "+15552220002"}',
    b'{"persona": "ann", "number": "+15552220001", "details": {"hour": ' + b"9" * 9000 + b"}}",
    b'{"persona": "ann", "number": "+15552220001", "details": {"hour": 1e999}}',
    b'{"persona": "ann", "number": "+15552220001", "details": {"x": "%s"}}' % (b"x" * 17_000),
    b'{"persona": "ann", "number": "+15552220001", "details": {"x": %s1%s}}' % (b"[" * 9, b"]" * 9),
]


async def test_what_is_no_good_json_is_refused(client: Client) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    for body in NO_GOOD_JSON:
        status, told, _ = await client.ask("POST", "/calls", data=body, headers=headers)
        assert status == 422, (body[:100], told)
    assert client.livekit.rooms == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"number": "+15552220001", "number": "x"}', "duplicate key in an object"),
        (b'{"details": {"hour": NaN}}', "expected value at line 1 column 22"),
        (b"\xef\xbb\xbf{}", "it begins with a byte order mark"),
    ],
)
async def test_why_it_is_no_good_json_is_told(client: Client, body: bytes, why: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    status, told, _ = await client.ask("POST", "/calls", data=body, headers=headers)
    assert (status, told["detail"][0]["msg"]) == (422, f"invalid JSON: {why}")


@pytest.mark.parametrize("kind", [None, "text/plain", "json", "application/jsonp"])
async def test_a_body_of_another_type_is_refused(client: Client, kind: str | None) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"} | ({"Content-Type": kind} if kind else {})
    more = {} if kind else {"skip_auto_headers": ["Content-Type"]}
    body = f'{{"persona": "ann", "number": "{NUMBER}"}}'.encode()
    status, told, _ = await client.ask("POST", "/calls", data=body, headers=headers, **more)
    text = "the content type is not application/json"
    fault = {"loc": ["header", "Content-Type"], "msg": text, "type": "content_type"}
    assert (status, told) == (422, {"detail": [fault]})


async def test_a_body_of_json_with_its_alphabet_is_read(client: Client) -> None:
    for kind in ("application/json; charset=utf-8", "Application/JSON", "application/x+json"):
        headers = {"Content-Type": kind}
        assert (await client.place(details=GOOD, headers=headers))[0] == 202


async def test_details_may_be_as_long_in_any_script(client: Client) -> None:
    extra = {**GOOD, "notes": "牙" * 5000}
    assert (await client.place(details=extra))[0] == 202
    status, told, _ = await client.place(details={**GOOD, "notes": "x" * 17_000})
    assert (status, told["detail"][0]["msg"]) == (422, "the metadata is longer than 16384 bytes")


async def test_a_request_has_one_key(client: Client) -> None:
    for keys, status in [(["one", "other"], 400), (["one", "one"], 202)]:
        headers = [
            ("Authorization", f"Bearer {TOKEN}"),
            *(("Idempotency-Key", key) for key in keys),
        ]
        wanted = {"persona": "ann", "number": NUMBER, "details": GOOD}
        assert (await client.ask("POST", "/calls", json=wanted, headers=headers))[0] == status


# The persona's own schema


async def test_what_the_persona_needs_is_checked_before_anything_is_dialled(
    client: Client,
) -> None:
    status, told, _ = await client.place(details={"hour": 8, "extra": [{"a": 1}, {"b": "x"}]})
    assert status == 422
    assert [(fault["loc"], fault["type"]) for fault in told["detail"]] == [
        (["body", "details", "patient"], "missing"),
        (["body", "details", "hour"], "greater_than_equal"),
        (["body", "details", "extra", 1, "b"], "int_parsing"),
    ]
    assert told["detail"][1]["msg"] == "Input should be greater than or equal to 9"
    assert client.livekit.rooms == []


@pytest.mark.parametrize(
    ("patient", "kind", "message"),
    [
        ("raises ValueError", "value_error", "nobody of that name"),
        ("raises KeyError", "missing", "'ward' is missing"),
        ("half", "value_error", "half of a character: ?"),
        ("breaks", "details_unreadable", "parse_metadata raised an error"),
        ("exits", "details_unreadable", "parse_metadata raised an error"),
        ("dies", "details_unchecked", "the persona failed to validate them: its process died"),
    ],
)
async def test_a_persona_that_can_not_read_the_details_is_one_fault_and_never_a_500(
    client: Client,
    caplog: pytest.LogCaptureFixture,
    patient: str,
    kind: str,
    message: str,
) -> None:
    status, told, _ = await client.place(details={"patient": patient})
    fault = {"loc": ["body", "details"], "msg": message, "type": kind}
    assert (status, told) == (422, {"detail": [fault]})
    assert (await client.place(details=GOOD))[0] == 202
    assert "Secret" not in caplog.text
    if patient == "breaks":
        assert re.search(r"parse_metadata of ann: AttributeError at \S+/ann.py:\d+", caplog.text)


async def test_what_a_persona_prints_of_the_details_is_masked(
    client: Client, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A forkserver of an earlier test would print where that one did.
    monkeypatch.setattr(
        "host.server.api.details_validator._CONTEXT", multiprocessing.get_context("spawn")
    )
    assert (await client.place(details={"patient": "prints"}))[0] == 422
    printed = capfd.readouterr()
    for text in printed:
        assert "in_parse_metadata {'patient': 'prints'" in text
        assert "+1…01" in text
        assert NUMBER not in text


async def test_a_process_that_died_meanwhile_is_replaced_and_no_fault_of_the_request(
    client: Client,
) -> None:
    assert (await client.place(details=GOOD))[0] == 202
    (process,) = [each for each in multiprocessing.active_children() if each.name == "details"]
    process.kill()
    process.join()
    assert (await client.place(details=GOOD))[0] == 202


async def test_where_details_can_not_be_checked_the_request_may_come_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("host.server.api.details_validator.START_LIMIT", 0)
        status, told, headers = await client.place(details=GOOD, idempotency_key="order-7")
    assert (status, told) == (503, {"detail": "the host can't check details now"})
    assert int(headers["Retry-After"]) > 0
    assert client.livekit.rooms == []
    assert (await client.place(details=GOOD, idempotency_key="order-7"))[0] == 202


async def test_a_persona_that_takes_for_ever_stops_neither_the_host_nor_the_next_request(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await client.place(details=GOOD))[0] == 202
    monkeypatch.setattr("host.server.api.details_validator.LIMIT", 1.0)
    stuck = asyncio.create_task(client.place(details={"patient": "a" * 60 + "b"}))
    answers = 0
    while not stuck.done():
        assert (await client.ask("GET", "/calls/x"))[0] == 404
        answers += 1
    status, told, _ = await stuck
    assert (status, told["detail"][0]["type"]) == (422, "details_unchecked")
    assert answers > 3  # and not one, which waits for the other request
    assert (await client.place(details=GOOD))[0] == 202


@pytest.mark.usefixtures("emitted_here", "stops_at_once")
async def test_a_persona_that_forbids_other_fields_has_a_place_for_the_key(
    deployment: Deployment, livekit: LiveKit, caplog: pytest.LogCaptureFixture
) -> None:
    fields = ["persona: str", "phone_number: str", "idempotency_key: str | None = None"]
    for name, has in [("ann", fields), ("bob", fields[:2])]:
        deployment.write(f"personas/{name}.py", FORBIDS.replace("FIELDS", "; ".join(has)))
    async with an_api(caplog, livekit) as client:
        assert (await client.place())[0] == 202
        status, told, _ = await client.place(persona="bob")
        assert (status, told["detail"][0]["loc"]) == (422, ["body", "idempotency_key"])


# The gate


async def test_a_number_that_must_not_be_called_is_refused_by_its_rule(
    client: Client, deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    for number, rule in [("+8821612345678", "satellite"), ("+18765551234", "caribbean")]:
        status, told, _ = await client.place(number=number, details=GOOD)
        assert (status, told["rule"]) == (403, rule)
    deployment.write("do-not-call.txt", f"{NUMBER}\n")
    status, told, _ = await client.place(details=GOOD)
    assert (status, told) == (
        403,
        {
            "detail": "the do-not-call list does not allow the number",
            "rule": "do_not_call",
            "retry_at": None,
        },
    )
    status, told, _ = await client.place(number="+15552220002", details=GOOD, dtmf="9,19005551234")
    assert (status, told["rule"]) == (403, "keys")
    assert client.livekit.rooms == []
    assert (await client.place(number="+15552220002", details=GOOD))[0] == 202


async def test_why_a_number_is_refused_tells_nothing_of_the_hosts_files(
    client: Client, deployment: Deployment
) -> None:
    (deployment.folder / "do-not-call.txt").mkdir()
    status, told, _ = await client.place(details=GOOD)
    assert (status, told["rule"]) == (403, "do_not_call")
    assert "do-not-call.txt" not in told["detail"]
    assert client.livekit.rooms == []


# One call for one request


async def test_the_same_key_and_the_same_body_give_the_same_call(client: Client) -> None:
    _, first, _ = await client.place(details=GOOD, idempotency_key="order-7")
    by_header = {"Idempotency-Key": "order-7"}
    reordered = {"hour": 9, "patient": "Ann"}
    for more in ({"idempotency_key": "order-7"}, {"headers": by_header}):
        status, again, _ = await client.place(details=reordered, **more)
        assert (status, again["id"]) == (202, first["id"])
    client.livekit.turning_away.set()
    over = await client.over(first["id"])
    assert (await client.place(details=GOOD, idempotency_key="order-7"))[1] == over
    assert client.livekit.rooms == [first["room"]]


async def test_a_call_is_told_of_with_the_reference_and_the_key_of_its_request(
    client: Client, deployment: Deployment
) -> None:
    wanted = {"details": GOOD, "reference": f"lead of {NUMBER}", "idempotency_key": "order-7"}
    _, call, _ = await client.place(**wanted)
    assert call["reference"].startswith("lead of +1…01~")
    assert (call["idempotency_key"], call["results"]) == ("order-7", {})
    client.livekit.turning_away.set()
    over = await client.over(call["id"])
    [record] = await recorded(deployment)
    assert (record.reference, record.idempotency_key) == (call["reference"], "order-7")
    assert (over["reference"], over["idempotency_key"]) == (call["reference"], "order-7")


async def test_the_same_key_for_another_call_is_a_conflict(client: Client) -> None:
    await client.place(details=GOOD, idempotency_key="order-7")
    others: list[dict[str, Any]] = [
        {"number": "+15552220002"},
        {"details": {"patient": "Ann", "hour": 10}},
        {"dtmf": "12#"},
    ]
    for other in others:
        wanted = {"details": GOOD, "idempotency_key": "order-7", **other}
        status, told, _ = await client.place(**wanted)
        assert (status, told) == (409, {"detail": "another request used this idempotency key"})
    assert len(client.livekit.rooms) == 1


async def test_fifty_equal_requests_at_once_make_one_call(client: Client) -> None:
    answers = await asyncio.gather(
        *(client.place(details=GOOD, idempotency_key="order-7") for _ in range(50))
    )
    assert {status for status, _, _ in answers} == {202}
    assert len({call["id"] for _, call, _ in answers}) == 1
    client.livekit.turning_away.set()
    await client.over(answers[0][1]["id"])
    assert client.livekit.rooms == [answers[0][1]["room"]]


async def test_fifty_requests_without_a_key_are_fifty_calls(client: Client) -> None:
    answers = await asyncio.gather(*(client.place(details=GOOD) for _ in range(50)))
    assert len({call["room"] for _, call, _ in answers}) == 50
    await client.livekit.until(lambda: len(client.livekit.rooms) == 50)


async def test_a_request_that_was_refused_leaves_its_key_free(client: Client) -> None:
    assert (await client.place(details={}, idempotency_key="order-7"))[0] == 422
    assert (await client.place(details=GOOD, idempotency_key="order-7"))[0] == 202


# A host that stops, and starts again


@pytest.mark.usefixtures("emitted_here")
async def test_calls_are_known_after_a_restart_and_so_are_their_keys(
    deployment: Deployment, livekit: LiveKit, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.write("personas/ann.py", STRICT)
    livekit.turning_away.set()
    async with an_api(caplog, livekit) as client:
        _, call, _ = await client.place(details=GOOD, idempotency_key="order-7")
        over = await client.over(call["id"])
    async with an_api(caplog, livekit) as client:
        assert (await client.ask("GET", f"/calls/{call['id']}"))[1] == over
        assert (await client.place(details=GOOD, idempotency_key="order-7"))[1] == over
        assert (await client.place(details=GOOD, idempotency_key="order-8"))[1] != over


@pytest.mark.usefixtures("emitted_here", "stops_at_once")
async def test_how_a_call_went_that_ended_while_the_api_was_gone_is_found_out(
    deployment: Deployment, livekit: LiveKit, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.write("personas/ann.py", STRICT)
    async with an_api(caplog, livekit) as client:
        _, call, _ = await client.place(details=GOOD, idempotency_key="order-7")
        await livekit.until(lambda: livekit.rooms == [call["room"]])
    requests = Requests(deployment.folder / ".host")  # as the call's own process does
    requests.claim("order-7", "AJ_1", call["room"], "RM_1")
    requests.settle("AJ_1", "busy", "the line was busy", begun=True)
    async with an_api(caplog, livekit) as client:
        over = await client.over(call["id"])
    assert (over["outcome"], over["reason"]) == ("busy", "the line was busy")
    assert over["retryable"] is True


@pytest.mark.usefixtures("hasty", "emitted_here", "stops_at_once")
async def test_a_call_that_nobody_ever_tells_of_has_failed_and_is_not_placed_again(
    deployment: Deployment,
    livekit: LiveKit,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with an_api(caplog, livekit) as client:
        _, call, _ = await client.place(details=GOOD)
        await livekit.until(lambda: livekit.rooms == [call["room"]])
    async with an_api(caplog, livekit) as client:
        assert (await client.ask("GET", f"/calls/{call['id']}"))[1] == call
        over = await client.over(call["id"])
        (record,) = await recorded(deployment)
    assert over["outcome"] == "failed"
    assert over["reason"] == "the host stopped before it reported how the call ended"
    assert (record.id, record.room, record.persona) == (call["id"], call["room"], "ann")
    assert (record.outcome, record.reason) == ("failed", over["reason"])
    assert len(livekit.joining) == 1


@pytest.mark.usefixtures("hasty", "emitted_here", "stops_at_once")
async def test_a_call_that_another_host_had_is_not_recorded_here(
    deployment: Deployment,
    livekit: LiveKit,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with an_api(caplog, livekit) as client:
        _, call, _ = await client.place(details=GOOD)
        CallStore(deployment.folder / ".host").mark_taken(call["id"])
        _, other, _ = await client.place(details=GOOD)
    async with an_api(caplog, livekit) as client:
        for each in (call, other):
            assert (await client.over(each["id"]))["outcome"] == "failed"
        assert [record.id for record in await recorded(deployment)] == [other["id"]]


@pytest.mark.usefixtures("emitted_here", "stops_at_once")
async def test_a_call_that_another_version_wrote_down_does_not_stop_the_next_start(
    deployment: Deployment, livekit: LiveKit, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.write("personas/ann.py", STRICT)
    async with an_api(caplog, livekit) as client:
        calls = [(await client.place(details=GOOD, idempotency_key=key))[1] for key in "ab"]
    with (
        contextlib.closing(sqlite3.connect(deployment.folder / ".host" / "state.db")) as rows,
        rows,
    ):
        told = '{"status": "something new, of Ann Secret"}'
        rows.execute("UPDATE api_calls SET told = ? WHERE key = 'a'", (told,))
    for _ in range(2):
        caplog.clear()
        async with an_api(caplog, livekit) as client:
            assert (await client.ask("GET", f"/calls/{calls[0]['id']}"))[0] == 503
            assert (await client.place(details=GOOD, idempotency_key="a"))[0] == 503
            assert (await client.ask("GET", f"/calls/{calls[1]['id']}"))[0] == 200
        assert "Secret" not in caplog.text
    assert "can't resume" not in caplog.text  # the second start knows that it is over


# What costs nothing while nobody asks for it


def test_the_command_line_and_a_host_without_an_api_do_not_import_its_libraries() -> None:
    code = (
        "import sys, host.cli, host.server.serve;"
        "print(*({'fastapi', 'uvicorn', 'limits', 'starlette'} & set(sys.modules)))"
    )
    assert printed_by(code, cwd=HERE.parent).strip() == ""
