"""The console's pages of personas, the gate and figures; its files; its start."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from console_client import NOW, TOKEN, Browser, a_browser, a_record, console_on_a_port
from deployment import HERE, Deployment

from host.compliance.budget import Budget
from host.records.cost import Cost
from host.records.outcome import Outcome
from host.server.console.costs import costs_of
from host.server.console.figures import Counted, figures_of
from host.server.console.pages import tone
from host.server.console.plots import columns, histogram
from host.settings import load_settings

TOML = """
countries = ["US"]
calling_hours = "00:00-24:00"
allow_numbers = ["+1555*"]
default_persona = "ann"
[personas.ann]
numbers = ["+15550001111"]
prefixes = ["sales-"]
stt = "deepgram/nova-3"
tts = "cartesia/sonic-3:a-voice"
llm_fallbacks = ["openai/gpt-4.1-mini"]
max_calls_a_day = 20
max_minutes_a_day = 60
hands_over_to = ["bob"]
[personas.bob]
deny_numbers = ["+15552220009"]
"""


@pytest.fixture
async def browser(deployment: Deployment) -> AsyncIterator[Browser]:
    """Somebody who has signed in to a host with personas, one of which is broken."""
    deployment.persona("ann")
    deployment.persona("bob")
    deployment.write("personas/bad.py", "from host import hookimpl\n\nimport nothing_here\n")
    async with a_browser(deployment, TOML) as browser:
        await browser.sign_in()
        yield browser


# Personas


async def test_personas_are_shown_with_what_they_have(browser: Browser) -> None:
    budget = Budget(browser.settings.state_dir)
    limits = browser.settings.persona("ann")
    budget.admit("AJ_1", "ann", limits)
    budget.settle("AJ_1", 90.0, limits)
    page = " ".join((await browser.page("/personas")).split())
    for text in (
        "ann: says who it is.",
        "<dd>+15550001111</dd>",
        "<dd>sales-</dd>",
        "<dd>deepgram/nova-3</dd>",
        "<dd>cartesia/sonic-3:a-voice</dd>",
        "then openai/gpt-4.1-mini",
        "<dt>hands over to</dt><dd>bob</dd>",
        "<dd>1 of 20, 1.5 of 60 minutes</dd>",
        '<span class="tag">default</span>',
    ):
        assert text in page


async def test_what_is_broken_is_shown_with_file_and_line(browser: Browser) -> None:
    page = await browser.page("/personas")
    assert "personas/bad.py:3</code>" in page
    assert "nothing_here" in page


async def test_models_that_a_persona_names_in_code_are_said_to_be(
    deployment: Deployment, browser: Browser
) -> None:
    text = "\n@hookimpl\ndef llm(call):\n    return 'openai/gpt-4.1'\n"
    file = deployment.folder / "personas/bob.py"
    file.write_text(file.read_text() + text)
    browser.console.use(browser.settings, deployment.load())
    assert "<dt>LLM</dt><dd>its own code</dd>" in await browser.page("/personas")


async def test_a_reload_changes_what_is_shown(deployment: Deployment, browser: Browser) -> None:
    deployment.persona("eve")
    assert "eve: says who it is." not in await browser.page("/personas")
    browser.console.use(browser.settings, deployment.load())
    assert "eve: says who it is." in await browser.page("/personas")


# Gate


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"number": "+1 555 222 0001"}, ["Allowed", "+15552220001"]),
        ({"number": "+442079460958"}, ["Blocked", "<code>country</code>"]),
        ({"number": "911"}, ["Blocked", "<code>emergency</code>"]),
        ({"number": "+15552220009", "persona": "bob"}, ["Blocked", "<code>denied</code>"]),
        ({"number": "+15552220009", "persona": "ann"}, ["Allowed"]),
        ({"number": "+15552220001", "at": "2026-11-30T09:30"}, ["Allowed"]),
        ({"number": "+15552220001", "at": "soon"}, ["the time is none like 2026-11-30T09:30"]),
        ({"number": "+15552220001", "persona": "eve"}, ["there is no such persona"]),
        ({}, ["Blocked", "<code>not_e164</code>"]),
    ],
)
async def test_the_gate_judges_a_number(
    form: dict[str, str], expected: list[str], browser: Browser
) -> None:
    page = (await browser.post("/gate", **form)).text
    for text in expected:
        assert text in page


async def test_trying_a_number_counts_no_attempt(browser: Browser) -> None:
    for _ in range(5):
        assert "Allowed" in (await browser.post("/gate", number="+15552220001")).text


# Figures


async def test_figures_count_calls_of_their_period(browser: Browser) -> None:
    out: dict[str, Any] = {"direction": "outbound"}
    browser.write(
        a_record(1),
        a_record(2, time_to_first_word=1.2, duration=40.0, **out),
        a_record(3, outcome=Outcome.BUSY, answered_at=None, time_to_first_word=None, **out),
        a_record(4, outcome=Outcome.FAILED, persona="bob"),
        a_record(5, dispatched_at=NOW - timedelta(days=3)),
        a_record(6, dispatched_at=NOW - timedelta(days=40)),
    )

    async def tiles(**query: str) -> dict[str, str]:
        page = await browser.page("/figures", **query)
        found = re.findall(r"<dt>([^<]+)</dt><dd>([^<]+?) ?<", page)
        return {name: value.strip() for name, value in found}

    assert await tiles() == {
        "Calls": "4",
        "Answer rate, outbound": "50 %",
        "First word, median": "0.4 s",
        "Talk, median": "0:20",
        "Failures": "1",
    }
    assert (await tiles(period="7d"))["Calls"] == "5"
    assert (await tiles(persona="bob"))["Calls"] == "1"
    assert (await tiles(period="a year"))["Calls"] == "4"


@pytest.mark.parametrize("period", ["24h", "7d", "30d"])
async def test_each_call_is_in_one_column_of_the_plot(period: str, browser: Browser) -> None:
    browser.write(*(a_record(nth * 61) for nth in range(22, 0, -1)))
    page = await browser.page("/figures", period=period)
    plot = page.split("</figure>")[0]
    assert sum(map(int, re.findall(r"<title>[^<]*: (\d+) talked</title>", plot))) == 22
    assert sum(map(int, re.findall(r'</th><td class="right">(\d+)</td>', plot))) == 22


def test_outcomes_are_shown_by_what_they_count_as() -> None:
    tones = {outcome.value: tone(outcome) for outcome in Outcome}
    assert tones["completed"] == tones["voicemail_left"] == "good"
    assert tones["failed"] == tones["trunk_error"] == "bad"
    assert tones["busy"] == tones["voicemail_skipped"] == "plain"


async def test_an_outcome_that_only_a_newer_host_knows_is_counted(browser: Browser) -> None:
    browser.write(a_record(1))
    log = browser.settings.call_log
    log.write_text(log.read_text().replace('"completed"', '"abducted"'))
    assert '<span class="outcome plain">abducted</span>' in await browser.page("/figures")


async def test_without_calls_the_figures_are_empty_and_no_fault(browser: Browser) -> None:
    page = await browser.page("/figures")
    assert "<dt>Calls</dt><dd>0</dd>" in page


@pytest.mark.parametrize("period", ["24h", "7d", "30d"])
def test_columns_cover_the_period(period: str) -> None:
    names = [name for name, _ in figures_of([], period, NOW).by_time.table]
    assert len(names) in {"24h": (25,), "7d": (28, 29, 30), "30d": (31,)}[period]


PRICES = """
[prices]
currency = "EUR"
[prices.line]
inbound = 0.6
"""


def cost(total: float, currency: str = "EUR", *unpriced: str) -> Cost:
    return Cost(currency=currency, total=total, unpriced=list(unpriced))


@pytest.fixture
async def priced(deployment: Deployment) -> AsyncIterator[Browser]:
    """Somebody who has signed in to a host whose host.toml has prices in euros."""
    deployment.persona("ann")
    async with a_browser(deployment, PRICES) as browser:
        await browser.sign_in()
        yield browser


async def test_costs_are_summed_up_in_the_currency_of_the_prices(priced: Browser) -> None:
    priced.write(
        a_record(1, cost=cost(0.25)),
        a_record(2, cost=cost(1.5), persona="bob"),
        a_record(3, cost=cost(0.35), dispatched_at=NOW - timedelta(hours=2)),
        a_record(4, cost=cost(9.0, "USD")),
        a_record(5, cost=cost(0.1, "EUR", "llm openai/gpt-4.1")),
        a_record(6),
        a_record(7, cost=cost(70.0), dispatched_at=NOW - timedelta(days=3)),
    )
    page = await priced.page("/figures")
    assert '<dt>Cost</dt><dd>2.2000 EUR <span class="note">and more</span>' in page
    assert "<dt>Cost of a call, mean</dt><dd>0.5500 EUR</dd>" in page
    assert "2 calls used something that has no price" in page
    by_time, by_persona = page.split("<figcaption>Cost by ")[1:]
    assert sum(map(float, re.findall(r'<td class="right">([\d.]+)</td>', by_time))) == 2.2
    rows = re.findall(r'<th scope="row">(\w+)</th><td class="right">([\d.]+)</td>', by_persona)
    assert rows == [("bob", "1.50"), ("ann", "0.70")]
    assert "<title>bob: 1.50 EUR</title>" in by_persona
    page = await priced.page("/figures", period="7d", persona="ann")
    assert "<dt>Cost</dt><dd>70.70 EUR" in page
    assert "by persona" in page


async def test_costs_without_calls_are_nothing_and_no_fault(priced: Browser) -> None:
    page = await priced.page("/figures")
    assert "<dt>Cost</dt><dd>0.0000 EUR</dd>" in page
    assert "<dt>Cost of a call, mean</dt><dd>–</dd>" in page


async def test_without_prices_there_is_nothing_of_a_cost(browser: Browser) -> None:
    browser.write(a_record(1), a_record(2, cost=cost(9.0)))
    assert "ost" not in (await browser.page("/figures")).split("<main")[1].replace("host", "")


def test_amounts_have_an_axis_of_their_own_size() -> None:
    drawn = columns(["a"], [{"EUR": 0.031}], ["EUR"], write="{:.2f}".format)
    assert [line.text for line in drawn.grid] == ["0", "0.02", "0.04"]
    assert [part.says for part in drawn.parts] == ["a: 0.03 EUR"]


def test_many_personas_share_a_column() -> None:
    calls = [
        Counted(
            NOW.timestamp(), "completed", False, True, 1.0, None, f"p{nth:02}", float(nth), "EUR"
        )
        for nth in range(1, 15)
    ]
    table = costs_of(calls, "24h", NOW, "EUR").by_persona.table
    assert (table[0], table[-1], len(table)) == (("p14", 14.0), ("others", 3.0), 13)


def test_parts_of_a_column_stand_on_each_other_inside_the_plot() -> None:
    drawn = columns(["a", "b"], [{"x": 3, "y": 4}, {}], ["x", "y"])
    lower, upper = drawn.parts
    assert lower.y == pytest.approx(upper.y + upper.height, abs=0.2)
    assert upper.y >= 0
    assert lower.y + lower.height <= drawn.height
    assert drawn.table == [("a", 7), ("b", 0)]
    assert [line.text for line in drawn.grid] == ["0", "4", "8"]


def test_a_histogram_has_all_values() -> None:
    drawn = histogram([0.1, 0.5, 0.9, 7, 100], (0.5, 1.0, 5.0), "s")
    assert drawn.table == [("< 0.5 s", 1), ("0.5–1", 2), ("1–5", 0), ("≥ 5 s", 2)]


# Files and the server


def test_the_files_of_packages_are_those_of_the_build() -> None:
    vendor = HERE.parent / "host" / "server" / "console" / "static" / "vendor"
    wanted = json.loads((HERE.parent / "assets" / "package.json").read_text())
    lines = (HERE.parent / "assets" / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in vendor.iterdir()}
    assert found == sums
    assert found.keys() == wanted["files"].keys()
    assert wanted["dependencies"].keys() == wanted["integrity"].keys()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", each) for each in wanted["dependencies"].values())


async def test_the_console_serves_on_its_port_until_the_host_stops(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.persona("ann")
    deployment.write("host.toml", f'console_port = 0\nconsole_token = "{TOKEN}"\n')
    settings = load_settings()
    jar = aiohttp.CookieJar(unsafe=True)  # also for an address without a name
    async with (
        console_on_a_port(settings, caplog) as address,
        aiohttp.ClientSession(cookie_jar=jar) as http,
    ):
        async with http.get(f"{address}/calls") as answer:
            assert answer.url.path == "/login"
            assert "Sign in" in await answer.text()
        form = {"token": TOKEN, "next": "/personas"}
        async with http.post(f"{address}/login", data=form) as answer:
            assert answer.status == 200
            assert "ann: says who it is." in await answer.text()
