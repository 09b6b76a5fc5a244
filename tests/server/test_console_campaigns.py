"""The console's pages of campaigns: started from a file, looked at, steered, exported."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from console_client import NOW, NUMBER, TOKEN, Browser, a_browser, a_record, console_on_a_port
from deployment import Deployment

from host.dispatch.campaigns import Attempt, Campaign, Directory, Row, Step, open_campaigns
from host.records.outcome import Outcome
from host.server.api import details_validator
from host.server.api.starting import MOST_FAULTS
from host.server.console import campaigns as pages
from host.server.console import forms
from host.settings import load_settings

TOML = """
calling_hours = "00:00-24:00"
allow_numbers = ["+1555*"]
deny_numbers = ["+15552220009"]
[personas.bob]
record_numbers = true
"""
PERSONA = '''"""Reminds patients."""

from pydantic import BaseModel

from host import hookimpl


class Details(BaseModel):
    patient: str


@hookimpl
def parse_metadata(metadata):
    return Details(**metadata)


@hookimpl
def instructions(call):
    return "Remind."
'''
FILE = "number,reference,patient\n+15552220001,L-17,Ann\n+15552220002,L-18,Bo\n"


@pytest.fixture
async def browser(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Browser]:
    """Somebody who has signed in to a host with two personas that call for campaigns."""
    for name in ("ann", "bob"):
        deployment.write(f"personas/{name}.py", PERSONA)
    async with a_browser(deployment, TOML) as browser:

        async def faults(self: object, metadata: str) -> list[Any]:
            return details_validator._check(browser.console.loaded, metadata)[0]

        monkeypatch.setattr(details_validator.DetailsValidator, "faults", faults)
        await browser.sign_in()
        yield browser


def directory(browser: Browser) -> Directory:
    return open_campaigns(browser.settings)


def a_campaign(browser: Browser, *rows: Row, **facts: Any) -> Campaign:
    """Have a campaign with rows."""
    known = {"id": "c0ffee", "name": "patients.csv", "persona": "ann", "made_at": NOW}
    campaign = Campaign(**{**known, **facts})
    directory(browser).add(campaign, list(rows))
    return campaign


def a_row(line: int, *outcomes: Outcome | None, **facts: Any) -> Row:
    """A row that was called so often; None is a call that goes on."""
    attempts = [
        Attempt(number=nth, host="me", begun_at=NOW, outcome=outcome, reason="so it was",
                call=f"AJ_{line:06}", room=f"room-{line}")
        for nth, outcome in enumerate(outcomes, 1)
    ]  # fmt: skip
    return Row(line=line, number=f"+1555222{line:04}", attempts=attempts, **facts)


async def send(browser: Browser, text: str | bytes = FILE, **form: str) -> Any:
    """Send the form with a file."""
    csrf = browser.csrf(await browser.page("/campaigns/new"))
    content = text.encode() if isinstance(text, str) else text
    return await browser.http.post(
        "/campaigns/new",
        data={"csrf": csrf, "persona": "ann", **form},
        files={"file": ("patients.csv", content, "text/csv")},
    )


def faults_in(page: str) -> list[str]:
    return re.findall(r"<li>(.*?)</li>", page)


# Starting one


async def test_a_file_starts_a_campaign_with_what_the_form_says(browser: Browser) -> None:
    at = (NOW + timedelta(days=2)).astimezone().replace(second=0, tzinfo=None)
    form = {"calls_at_once": "5", "per_minute": "20.5", "tries": "2", "spacing": "90"}
    answer = await send(browser, **form, at=at.isoformat(timespec="minutes"), name="Day two")
    [made] = directory(browser).all()
    assert (answer.status_code, answer.headers["location"]) == (303, f"/campaigns/{made.id}")
    assert (made.persona, made.name, made.status) == ("ann", "Day two", "running")
    assert (made.calls_at_once, made.per_minute, made.tries, made.spacing) == (5, 20.5, 2, 5400)
    assert made.not_before == at.astimezone()
    assert [(row.line, row.number, row.reference, row.details) for row in directory(
        browser
    ).rows(made)] == [
        (2, "+15552220001", "L-17", {"patient": "Ann"}),
        (3, "+15552220002", "L-18", {"patient": "Bo"}),
    ]  # fmt: skip


async def test_without_more_it_has_the_name_of_its_file_and_the_defaults(browser: Browser) -> None:
    assert (await send(browser)).status_code == 303
    [made] = directory(browser).all()
    assert (made.name, made.not_before, made.caller_id) == ("patients.csv", None, None)
    assert (made.calls_at_once, made.per_minute, made.tries, made.spacing) == (1, 10, 3, 3600)


async def test_faults_are_told_by_line_and_nothing_is_stored(browser: Browser) -> None:
    text = f"{FILE}911,L-19,Cy\n+15552220004,L-20,\n+15552220001,L-21,Di\n"
    answer = await send(browser, text, tries="7")
    assert answer.status_code == 422
    assert faults_in(answer.text) == [
        "line 4: its number is not in E.164, such as +15550001111",
        "line 5: details.patient: Field required",
        "line 6: the number is that of line 2",
    ]
    assert 'name="tries" type="number" min="1" max="10" value="7"' in answer.text
    assert directory(browser).all() == []


async def test_so_many_faults_are_told_and_no_more(browser: Browser) -> None:
    rows = "".join(f"{line},\n" for line in range(2 * MOST_FAULTS))
    answer = await send(browser, f"number,patient\n{rows}")
    assert len(faults_in(answer.text)) == MOST_FAULTS
    assert "There may be more." in answer.text


@pytest.mark.parametrize(
    ("text", "form", "fault"),
    [
        ("", {}, "choose a CSV file that has rows"),
        (b"\xff\xfe", {}, "the file is not in UTF-8"),
        ("name\nAnn\n", {}, "the file has no column &#39;number&#39; in its first line"),
        (FILE, {"persona": "eve"}, "there is no persona &#39;eve&#39;"),
        (FILE, {"at": "soon"}, "the time is none like 2026-11-30T09:30"),
        (FILE, {"at": "2020-01-01T09:30"}, "the time is in the past"),
        (FILE, {"spacing": "an hour"}, "the minutes between tries are 1 to 10080"),
        (FILE, {"spacing": "nan"}, "the minutes between tries are 1 to 10080"),
        (FILE, {"calls_at_once": "0"}, "calls at once: Input should be greater than"),
        (FILE, {"per_minute": "fast"}, "per minute: Input should be a valid number"),
        (FILE, {"caller_id": "911"}, "caller id: String should match"),
    ],
)
async def test_a_form_that_is_wrong_is_said_in_a_line(
    text: str | bytes, form: dict[str, str], fault: str, browser: Browser
) -> None:
    answer = await send(browser, text, **form)
    assert answer.status_code == 422
    [said] = faults_in(answer.text)
    assert said.startswith(fault)
    assert directory(browser).all() == []


async def test_rows_that_the_gate_forbids_are_shown_by_line_and_left(browser: Browser) -> None:
    answer = await send(browser, f"{FILE}+15552220009,L-19,Cy\n")
    assert answer.headers["location"].endswith("?state=left")
    page = await browser.page(answer.headers["location"])
    [[line, *_, why]] = rows_in(page)
    assert (line, "(rule: denied)" in why) == ("4", True)


async def test_no_file_comes_without_the_token_of_the_session(browser: Browser) -> None:
    files = {"file": ("patients.csv", FILE, "text/csv")}
    data = {"persona": "ann", "csrf": "0" * 64}
    answer = await browser.http.post("/campaigns/new", data=data, files=files)
    assert answer.status_code == 403
    assert directory(browser).all() == []


async def test_a_file_is_no_longer_than_four_megabytes(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "LONGEST_UPLOAD", 2000)
    answer = await send(browser, FILE + "x" * 2000)
    assert (answer.status_code, answer.text) == (413, "the form is longer than 2000 bytes")


async def test_no_other_form_has_a_file(browser: Browser) -> None:
    csrf = browser.csrf(await browser.page("/gate"))
    answer = await browser.http.post(
        "/gate", data={"csrf": csrf}, files={"file": ("patients.csv", FILE, "text/csv")}
    )
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no parts",
        b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n' + b"a" * 9000 + b"\r\n--x--",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\na\r\n' * 3,
    ],
)
async def test_a_form_that_can_not_be_read_is_none(body: bytes, browser: Browser) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = await browser.http.post("/campaigns/new", content=body, headers=headers)
    assert answer.status_code in (400, 403)


async def test_a_file_of_twenty_thousand_rows_comes_over_a_connection(
    deployment: Deployment, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_faults(self: object, metadata: str) -> list[Any]:
        return []

    monkeypatch.setattr(details_validator.DetailsValidator, "faults", no_faults)
    deployment.write("personas/ann.py", PERSONA)
    deployment.write("host.toml", f'console_port = 0\nconsole_token = "{TOKEN}"\n{TOML}')
    settings = load_settings()
    rows = "".join(f"+1555{nth:07},patient {nth} {'x' * 40}\n" for nth in range(20_000))
    form = aiohttp.FormData({"persona": "ann", "spacing": "an hour"})
    content = io.BytesIO(f"number,patient\n{rows}".encode())
    form.add_field("file", content, filename="patients.csv")
    jar = aiohttp.CookieJar(unsafe=True)  # also for an address without a name
    async with (
        console_on_a_port(settings, caplog) as address,
        aiohttp.ClientSession(cookie_jar=jar) as http,
    ):
        async with http.post(f"{address}/login", data={"token": TOKEN}) as answer:
            csrf = re.search(r'name="csrf" value="(\w+)"', await answer.text())
        assert csrf
        headers = {"x-csrf-token": csrf[1]}
        async with http.post(f"{address}/campaigns/new", data=form, headers=headers) as answer:
            assert faults_in(await answer.text()) == ["the minutes between tries are 1 to 10080"]


# The list


async def test_campaigns_are_listed_newest_first_with_how_they_stand(browser: Browser) -> None:
    assert "There are no campaigns." in await browser.page("/campaigns")
    a_campaign(
        browser,
        a_row(2, Outcome.COMPLETED, step=Step.DONE),
        a_row(3, Outcome.BUSY, Outcome.BUSY, Outcome.VOICEMAIL_SKIPPED, step=Step.DONE),
        a_row(4, Outcome.TRUNK_ERROR, step=Step.DONE),
        a_row(5, Outcome.BUSY, due_at=NOW),
        a_row(6, None, step=Step.PLACING),
        a_row(7, step=Step.DONE, note="the number is denied (rule: denied)"),
        a_row(8),
    )
    a_campaign(
        browser, a_row(2), id="bad", status="paused", reason="the trunk fails: 503",
        made_at=NOW + timedelta(minutes=1), not_before=NOW + timedelta(days=1), name="b.csv",
    )  # fmt: skip
    page = await browser.page("/campaigns")
    assert re.findall(r'href="/campaigns/(\w+)"', page)[1:] == ["bad", "c0ffee"]
    first, second = rows_in(page)
    assert first[3:] == ["paused the trunk fails: 503", "1", "0", "1", "0", "–"]
    assert second[1:] == ["patients.csv", "ann", "running", "7", "4", "2", "1", "33 %"]


async def test_one_that_goes_on_is_counted_again_and_one_that_is_over_is_not(
    browser: Browser,
) -> None:
    campaign = a_campaign(browser, a_row(2), a_row(3))
    assert rows_in(await browser.page("/campaigns"))[0][4:7] == ["2", "0", "2"]
    queue = directory(browser).queue("c0ffee")
    queue.keep(a_row(2, Outcome.COMPLETED, step=Step.DONE))
    assert rows_in(await browser.page("/campaigns"))[0][4:7] == ["2", "1", "1"]
    queue.keep(a_row(3, Outcome.COMPLETED, step=Step.DONE))
    campaign.status = "done"
    directory(browser).keep(campaign)
    for _ in range(2):
        assert rows_in(await browser.page("/campaigns"))[0][4:7] == ["2", "2", "0"]
        queue.forget()  # nothing of it is read any more


async def test_a_queue_that_is_down_is_said_in_a_line(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = "redis://:secret@127.0.0.1:9/0"
    settings = browser.settings.model_copy(
        update={"campaign_queue": type(browser.settings.campaign_queue)(queue)}
    )
    browser.console.use(settings, browser.console.loaded)
    answer = await browser.get("/campaigns")
    assert answer.status_code == 503
    assert "the queue of campaigns can&#39;t be used now" in answer.text
    assert "secret" not in answer.text


# One campaign


def rows_in(page: str) -> list[list[str]]:
    """The texts of the table's rows."""
    table = page.split("<tbody>")[1].split("</tbody>")[0]
    cells = [
        re.findall(r"<td[^>]*>(.*?)</td>", row)
        for row in re.findall(r"<tr>(.*?)</tr>", table, re.S)
    ]  # noqa: E501
    return [[" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in row] for row in cells]


async def test_a_row_leads_to_its_call(browser: Browser) -> None:
    browser.write(a_record(2))
    browser.live("AJ_live", answered_at=NOW, room="room-3")
    a_campaign(
        browser,
        a_row(2, Outcome.COMPLETED, step=Step.DONE, reference="L-17"),
        a_row(3, None, step=Step.PLACING),
        a_row(4, Outcome.BUSY, due_at=NOW),
    )
    page = await browser.page("/campaigns/c0ffee")
    assert re.findall(r'href="(/(?:calls|live)/\w+)"', page) == [
        "/calls/AJ_000002",
        "/live/AJ_live",
    ]
    assert [row[3] for row in rows_in(page)] == [
        "completed call",
        "being called call",
        f"next {NOW.astimezone():%Y-%m-%d %H:%M}",
    ]
    assert rows_in(page)[0][2] == "L-17"


@pytest.mark.parametrize(
    ("state", "lines"),
    [
        ("", ["2", "3", "4", "5", "6"]),
        ("waiting", ["4"]),
        ("placing", ["5"]),
        ("done", ["2", "3", "6"]),
        ("failed", ["3"]),
        ("left", ["6"]),
        ("' OR 1=1", ["2", "3", "4", "5", "6"]),
    ],
)
async def test_rows_are_chosen_by_how_they_stand(
    state: str, lines: list[str], browser: Browser
) -> None:
    a_campaign(
        browser,
        a_row(2, Outcome.COMPLETED, step=Step.DONE),
        a_row(3, Outcome.FAILED, step=Step.DONE),
        a_row(4),
        a_row(5, None, step=Step.PLACING),
        a_row(6, step=Step.DONE, note="the number is denied (rule: denied)"),
    )
    page = await browser.page("/campaigns/c0ffee", state=state)
    assert [row[0] for row in rows_in(page)] == lines


async def test_pages_of_rows_follow_each_other(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 3)
    a_campaign(browser, *(a_row(line) for line in range(2, 10)))
    page, seen = await browser.page("/campaigns/c0ffee"), list[str]()
    while True:
        seen += [row[0] for row in rows_in(page)]
        if not (later := re.search(r'rel="next" href="([^"]+)"', page)):
            break
        page = await browser.page("/campaigns/c0ffee" + later[1].replace("&amp;", "&"))
    assert seen == [str(line) for line in range(2, 10)]


async def test_numbers_are_as_private_as_those_of_records(browser: Browser) -> None:
    rows = [Row(line=2, number=NUMBER, reference=f"of {NUMBER}", note=f"not {NUMBER}")]
    a_campaign(browser, *rows)
    a_campaign(browser, *rows, id="bobs", persona="bob")
    for path in ("", "/results.csv"):
        assert "2220001" not in await browser.page(f"/campaigns/c0ffee{path}")
        assert NUMBER in await browser.page(f"/campaigns/bobs{path}")


@pytest.mark.parametrize("path", ["/campaigns/none", "/campaigns/c0f", "/campaigns/x/results.csv"])
async def test_what_is_no_campaign_is_not_found(path: str, browser: Browser) -> None:
    assert (await browser.get(path)).status_code == 404
    a_campaign(browser, a_row(2))
    assert (await browser.get(path)).status_code == 404


async def test_results_are_csv_without_formulas(browser: Browser) -> None:
    row = a_row(2, Outcome.COMPLETED, step=Step.DONE, reference="=1+1")
    row.attempts[-1].results, row.attempts[-1].reason = {"day": "=Monday"}, "@SUM(A1)"
    a_campaign(browser, row)
    answer = await browser.get("/campaigns/c0ffee/results.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].endswith('filename="campaign-c0ffee.csv"')
    head, cells = csv.reader(io.StringIO(answer.text))
    facts = dict(zip(head, cells, strict=True))
    assert (facts["reference"], facts["reason"]) == ("'=1+1", "'@SUM(A1)")
    assert (facts["outcome"], facts["record"]) == ("completed", "AJ_000002")
    assert facts["results"] == '{"day": "=Monday"}'


# Steering one


async def test_a_campaign_is_paused_resumed_and_stopped(browser: Browser) -> None:
    a_campaign(browser, a_row(2))
    for what, status in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        assert f"/campaigns/c0ffee/{what}" in await browser.page("/campaigns/c0ffee")
        answer = await browser.post(f"/campaigns/c0ffee/{what}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/campaigns/c0ffee")
        assert directory(browser).find("c0ffee").status == status
    page = await browser.page("/campaigns/c0ffee")
    assert "<button" not in page.split("<main")[1].split("Rows that are")[0]
    answer = await browser.post("/campaigns/c0ffee/resume")
    assert (answer.status_code, "the campaign is stopped" in answer.text) == (409, True)


async def test_nothing_else_is_done_to_one(browser: Browser) -> None:
    a_campaign(browser, a_row(2))
    assert (await browser.post("/campaigns/c0ffee/delete")).status_code == 404
    assert (await browser.get("/campaigns/c0ffee/stop")).status_code == 405
    assert directory(browser).find("c0ffee").status == "running"
