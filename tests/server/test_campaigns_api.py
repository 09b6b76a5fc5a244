"""Campaigns over the API: started, shown and steered as by the command."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from api_in_memory import have_no_processes
from deployment import Deployment
from in_process_api import TOKEN, Api, an_api_in_process
from pydantic import SecretStr

from host.base.clock import now
from host.dispatch.campaigns import Attempt, Step, open_campaigns
from host.records.outcome import Outcome
from host.settings import load_settings

FILE = "number,name\n+15552220001,Ann\n+15552220002,Bo\n"


async def post(api: Api, path: str, **wanted: Any) -> tuple[int, Any]:
    body = json.dumps(wanted).encode()
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    status, told, _ = await api.send("POST", path, headers, body=body)
    return status, told


@pytest.fixture
async def api(served: Deployment, monkeypatch: pytest.MonkeyPatch) -> Any:
    have_no_processes(monkeypatch)
    served.write("host.toml", 'calling_hours = "00:00-24:00"\nallow_numbers = ["+1555*"]\n')
    given = {"api_port": 0, "api_token": SecretStr(TOKEN)}
    async with an_api_in_process(load_settings().model_copy(update=given)) as api:
        yield api


async def test_a_campaign_is_started_shown_and_steered(api: Api) -> None:
    assert await api.ask("GET", "/campaigns") == (200, {"campaigns": []})
    status, made = await post(api, "/campaigns", persona="desk", csv=FILE, calls_at_once=3)
    assert (status, made["rows"], made["calls_at_once"]) == (201, 2, 3)
    path = f"/campaigns/{made['id']}"
    assert await api.ask("GET", path) == (200, made)
    assert (await post(api, f"{path}/pause"))[1]["status"] == "paused"
    assert (await post(api, f"{path}/stop"))[1]["status"] == "stopped"
    assert (await post(api, f"{path}/resume")) == (409, {"detail": "the campaign is stopped"})
    assert [each["id"] for each in (await api.ask("GET", "/campaigns"))[1]["campaigns"]] == [
        made["id"]
    ]


async def test_faults_are_told_by_line_and_nothing_is_stored(api: Api) -> None:
    status, told = await post(api, "/campaigns", persona="desk", csv=f"{FILE}911,Cy\n")
    assert status == 422
    assert told["detail"][0]["msg"] == ("line 4: its number is not in E.164, such as +15550001111")
    assert (await post(api, "/campaigns", persona="nobody", csv=FILE))[0] == 422
    assert await api.ask("GET", "/campaigns") == (200, {"campaigns": []})


async def test_results_come_as_csv_with_whole_numbers_and_no_formula(api: Api) -> None:
    _, made = await post(api, "/campaigns", persona="desk", csv=FILE)
    directory = open_campaigns(api.settings)
    queue = directory.queue(made["id"])
    called, waits = directory.rows(directory.find(made["id"]))
    called.step, called.reference = Step.DONE, "=1+1"
    called.attempts = [
        Attempt(number=1, host="me", begun_at=now(), call="AJ_1", room="r", reason="\r@SUM(A1)",
                outcome=Outcome.COMPLETED, results={"day": "Monday"})
    ]  # fmt: skip
    queue.keep(called)
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    status, text, headers = await api.send("GET", f"/campaigns/{made['id']}/results", bearer)
    assert (status, headers["content-type"]) == (200, "text/csv; charset=utf-8")
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert (first["number"], first["outcome"], first["record"]) == (
        called.number, "completed", "AJ_1",
    )  # fmt: skip
    assert (first["reference"], first["reason"]) == ("'=1+1", "'\n@SUM(A1)")
    assert json.loads(first["results"]) == {"day": "Monday"}
    assert (second["line"], second["step"], second["outcome"]) == (str(waits.line), "waiting", "")


async def test_a_queue_that_is_down_is_not_an_empty_list(api: Api) -> None:
    queue = SecretStr("redis://:secret@127.0.0.1:9/0")
    api.calls.settings = api.settings.model_copy(update={"campaign_queue": queue})
    for method, path in (("GET", ""), ("GET", "/c0ffee"), ("GET", "/c0ffee/results")):
        status, told = await api.ask(method, f"/campaigns{path}")
        assert (status, told["detail"]) == (503, "the queue of campaigns can't be used now")


async def test_an_unknown_campaign_is_none(api: Api) -> None:
    await post(api, "/campaigns", persona="desk", csv=FILE)
    for method, path in (("GET", ""), ("GET", "/results"), ("POST", "/pause")):
        assert (await api.ask(method, f"/campaigns/none{path}"))[0] == 404


async def test_nobody_without_the_token_gets_anything(api: Api) -> None:
    status, _, _ = await api.send("GET", "/campaigns", {})
    assert status == 401
