"""The console's pages of calls that are over: search, one call, its recording, CSV."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from console_client import NOW, NUMBER, Browser, a_browser, a_record
from deployment import Deployment

from host.privacy import Pseudonyms
from host.records.cost import Cost, CostPart
from host.records.outcome import Outcome
from host.records.record import PersonaShare, ToolUse, Utterance
from host.server.console.export import HEAD
from host.server.retention.log_file import purge_log


@pytest.fixture
async def browser(deployment: Deployment) -> AsyncIterator[Browser]:
    """Somebody who has signed in to a host with two personas; bob's records have everything."""
    deployment.persona("ann")
    deployment.persona("bob")
    toml = (
        "[personas.bob]\nrecord_numbers = true\nrecord_digits = true\n"
        "[personas.mum]\nrecord_transcripts = false\n"
    )
    async with a_browser(deployment, toml) as browser:
        await browser.sign_in()
        yield browser


async def listed(browser: Browser, **query: str) -> list[str]:
    """Return the ids of the calls on a page of the list."""
    return re.findall(r'href="/calls/(\w+)"', await browser.page("/calls", **query))


# The list


async def test_calls_are_listed_newest_first_with_what_became_of_them(browser: Browser) -> None:
    browser.write(a_record(2), a_record(1, outcome=Outcome.BUSY, answered_at=None, reason="busy"))
    page = await browser.page("/calls")
    assert re.findall(r'href="/calls/(\w+)"', page) == ["AJ_000001", "AJ_000002"]
    assert "2 calls" in page
    for text in ("+1…02~bcdfghjklm", "0:20", "completed", "the caller hung up", "busy"):
        assert text in page


async def test_without_calls_it_says_so(browser: Browser) -> None:
    assert "The call log has no calls yet." in await browser.page("/calls")
    browser.write(a_record())
    assert "No call matches." in await browser.page("/calls", words="zebra")


TEN_DAYS_AGO = NOW - timedelta(days=10)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"persona": "bob"}, ["handed", "bobs"]),
        ({"persona": "ann"}, ["plain", "handed", "busy", "old"]),
        ({"outcome": "busy"}, ["busy"]),
        ({"direction": "outbound"}, ["busy"]),
        ({"words": "DENTIST"}, ["handed"]),
        ({"words": "dent tom"}, ["handed"]),
        ({"words": "dentist thursday"}, []),
        ({"words": '"dentist" OR NEAR('}, []),
        ({"number": NUMBER}, ["busy", "bobs"]),
        ({"number": "+1 (555) 222-0001"}, ["busy", "bobs"]),
        ({"number": "~bcdfgh"}, ["plain", "handed", "old"]),
        ({"number": "order-7"}, ["plain"]),
        ({"until": f"{TEN_DAYS_AGO.astimezone():%Y-%m-%d}"}, ["old"]),
        ({"since": f"{NOW - timedelta(days=3):%Y-%m-%d}"}, ["plain", "handed", "busy", "bobs"]),
        ({"persona": "bob", "words": "dentist"}, ["handed"]),
        ({"persona": "' OR 1=1 --"}, []),
    ],
)
async def test_calls_are_found_by(
    query: dict[str, str], expected: list[str], browser: Browser
) -> None:
    masked = Pseudonyms(browser.settings.state_dir).of(NUMBER)
    said = [Utterance(at=NOW, who="caller", text="The dentist, tomorrow.")]
    to_bob = [PersonaShare(name=name, since=NOW) for name in ("ann", "bob")]
    busy: dict[str, Any] = {"outcome": Outcome.BUSY, "direction": "outbound", "transcript": []}
    browser.write(
        a_record(5, id="old", dispatched_at=TEN_DAYS_AGO),
        a_record(4, id="bobs", persona="bob", number=NUMBER, transcript=[]),
        a_record(3, id="busy", number=masked, **busy),
        a_record(2, id="handed", personas=to_bob, transcript=said),
        a_record(1, id="plain", reference="order-7"),
    )
    assert await listed(browser, **query) == expected


async def test_what_can_not_be_searched_for_is_said_in_a_line(browser: Browser) -> None:
    browser.write(a_record())
    page = await browser.page("/calls", since="yesterday", outcome="splendid")
    assert "&#39;yesterday&#39; is no date like 2026-11-30" in page
    assert "there is no outcome &#39;splendid&#39;" in page
    assert "1 call" in page


async def test_pages_follow_each_other_without_a_gap_while_calls_end(browser: Browser) -> None:
    browser.write(*(a_record(nth) for nth in range(120, 0, -1)))
    page = await browser.page("/calls", persona="ann")
    seen = re.findall(r'href="/calls/(\w+)"', page)
    browser.write(a_record(0, id="AJ_new"))
    while older := re.search(r'rel="next" href="([^"]+)"', page):
        page = await browser.page(older[1].replace("&amp;", "&"))
        seen += re.findall(r'href="/calls/(\w+)"', page)
    assert seen == [f"AJ_{nth:06}" for nth in range(1, 121)]
    assert "121 calls" in page


async def test_a_record_that_is_written_again_counts_once_with_its_last_words(
    browser: Browser,
) -> None:
    browser.write(a_record(1), a_record(2))
    assert await listed(browser, words="thursday") == ["AJ_000001", "AJ_000002"]
    browser.write(a_record(2, transcript=[], reason="cut off"))
    assert await listed(browser) == ["AJ_000001", "AJ_000002"]
    assert await listed(browser, words="thursday") == ["AJ_000001"]
    assert await listed(browser, words="cut") == ["AJ_000002"]


async def test_a_purged_call_is_gone(browser: Browser) -> None:
    week = timedelta(days=7)
    browser.write(a_record(2, id="gone", dispatched_at=NOW - week, ended_at=NOW - week), a_record())
    assert await listed(browser) == ["AJ_000001", "gone"]
    assert purge_log(browser.settings.call_log, NOW - timedelta(days=1)) == 1
    assert await listed(browser) == ["AJ_000001"]
    assert (await browser.get("/calls/gone")).status_code == 404


async def test_a_line_that_is_no_record_or_still_written_is_left_out(browser: Browser) -> None:
    browser.write(a_record(2))
    line = a_record(1).model_dump_json().encode()
    with browser.settings.call_log.open("ab") as log:
        log.write(b'no record\n{"id": 7}\n[]\n\n' + line[:100])
    assert await listed(browser) == ["AJ_000002"]
    with browser.settings.call_log.open("ab") as log:
        log.write(line[100:] + b"\n")
    assert await listed(browser) == ["AJ_000001", "AJ_000002"]


async def test_a_log_that_is_a_pipe_has_no_calls_to_show(browser: Browser) -> None:
    os.mkfifo(browser.settings.call_log)
    assert "The call log has no calls yet." in await browser.page("/calls")


async def test_a_log_that_can_not_be_read_is_said_in_a_line(browser: Browser) -> None:
    browser.settings.call_log.mkdir()
    answer = await browser.get("/calls")
    assert answer.status_code == 503
    assert "Is a directory" in answer.text


# What settings keep private


async def test_settings_of_now_hold_for_records_of_before(browser: Browser) -> None:
    unmasked: dict[str, Any] = {"number": NUMBER, "our_number": NUMBER, "room": f"call_{NUMBER}_x"}
    said = [Utterance(at=NOW, who="caller", text=f"My number is {NUMBER}, code 4711, violet.")]
    browser.write(
        a_record(1, id="anns", transcript=said, reason=f"dialled {NUMBER}", **unmasked),
        a_record(2, id="mums", persona="mum", transcript=said, **unmasked),
        a_record(3, id="bobs", persona="bob", transcript=said, **unmasked),
    )
    for path in ("/calls", "/calls/anns", "/calls/mums", "/calls.csv"):
        page = await browser.page(path, **({"persona": "ann"} if "anns" not in path else {}))
        assert "2220001" not in page
        assert "4711" not in page
    assert "violet" not in await browser.page("/calls/mums")
    assert "keep no transcript" in await browser.page("/calls/mums")
    assert NUMBER in await browser.page("/calls/bobs")


@pytest.mark.parametrize(("words", "found"), [("violet", ["bobs", "anns"]), ("4711", ["bobs"])])
async def test_words_that_are_not_shown_find_nothing(
    words: str, found: list[str], browser: Browser
) -> None:
    said = [Utterance(at=NOW, who="caller", text="The code is 4711, violet.")]
    for nth, persona in enumerate(("ann", "mum", "bob"), 1):
        browser.write(a_record(4 - nth, id=f"{persona}s", persona=persona, transcript=said))
    assert await listed(browser, words=words) == found


# One call


async def test_a_call_shows_its_story_its_results_and_its_latencies(browser: Browser) -> None:
    browser.write(a_record())
    page = await browser.page("/calls/AJ_000001")
    for text in (
        "I need an appointment on Thursday.",
        "free_times({&#34;day&#34;: &#34;Thursday&#34;}) -&gt; ten o&#39;clock",
        "<dt>appointment</dt>",
        "after 1.2 s",
        "3.0 s of ringing",
        "<dt>First word</dt><dd>0.4 s</dd>",
        "the caller hung up",
    ):
        assert text in page
    assert 'id="wave"' not in page  # it has no recording


async def test_a_failed_tool_and_an_unanswered_call_are_shown(browser: Browser) -> None:
    tool = ToolUse(at=NOW, name="book", arguments="{}", result="no database", failed=True)
    facts: dict[str, Any] = {"answered_at": None, "first_word_at": None, "time_to_first_word": None}
    browser.write(a_record(tools=[tool], transcript=[], results={}, sip_status=486, **facts))
    page = await browser.page("/calls/AJ_000001")
    for text in ("book() failed: no database", "not answered", "<dd>486</dd>", "from the dispatch"):
        assert text in page


async def test_a_call_shows_what_it_cost_and_what_has_no_price(browser: Browser) -> None:
    parts = [
        CostPart(kind="llm", name="openai/gpt-4.1-mini", amount=0.0012),
        CostPart(kind="line", name="inbound ST_1", amount=120.0),
    ]
    cost = Cost(currency="EUR", total=120.0012, parts=parts, unpriced=["tts elevenlabs/x"])
    browser.write(a_record(1), a_record(2, cost=cost))
    page = await browser.page("/calls/AJ_000002")
    for text in (
        '<dt>Cost</dt><dd>120.00 EUR <span class="note">and more</span></dd>',
        '<dt>llm</dt><dd>0.0012 EUR <span class="note">openai/gpt-4.1-mini</span></dd>',
        "<dt>without a price</dt><dd>tts elevenlabs/x</dd>",
    ):
        assert text in page
    assert "Cost" not in await browser.page("/calls/AJ_000001")
    rows = [*csv.DictReader(io.StringIO(await browser.page("/calls.csv")))]
    assert [(row["cost"], row["currency"]) for row in rows] == [("", ""), ("120.0012", "EUR")]


async def test_a_call_that_is_unknown_is_not_found(browser: Browser) -> None:
    answer = await browser.get("/calls/AJ_nothing")
    assert (answer.status_code, "no such call" in answer.text) == (404, True)


def a_recording(browser: Browser, name: str = "one.ogg", seconds: float = 18.0) -> Path:
    """A file whose last Ogg page says how long it is."""
    file = browser.settings.recordings_dir / name
    file.parent.mkdir(exist_ok=True)
    granules = int(seconds * 48000).to_bytes(8, "little")
    file.write_bytes(b"OggS" + bytes(40) + b"OggS\0\4" + granules + bytes(14))
    return file


async def test_a_line_leads_to_where_it_is_in_the_recording(browser: Browser) -> None:
    file = a_recording(browser)  # the call has 20 s: it begins 2 s after the answer
    browser.write(a_record(recording=str(file)))
    page = await browser.page("/calls/AJ_000001")
    heard = dict(re.findall(r'data-at="([\d.]+)" title="Hear it">([^<]{5})', page))
    assert heard == {"0.1": "I nee", "4.2": "Thurs"}  # the greeting was before it
    answer = await browser.get("/calls/AJ_000001/recording", headers={"range": "bytes=0-3"})
    assert (answer.status_code, answer.content) == (206, b"OggS")
    assert answer.headers["content-type"] == "audio/ogg"


@pytest.mark.parametrize("facts", [{"recording": None}, {"recording_discarded": True}, {}])
async def test_only_recordings_that_are_there_to_be_heard_are_played(
    facts: dict[str, Any], browser: Browser, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "secret.ogg"
    elsewhere.write_text("secret")
    file = a_recording(browser)
    given = {"recording": str(file if facts else browser.settings.recordings_dir / "../secret.ogg")}
    browser.write(a_record(**{**given, **facts}))
    assert (await browser.get("/calls/AJ_000001/recording")).status_code == 404
    assert 'id="wave"' not in await browser.page("/calls/AJ_000001")


# CSV


async def test_what_matches_is_exported_as_csv(browser: Browser) -> None:
    browser.write(a_record(2), a_record(1, persona="bob", reason='=HYPERLINK("x")'))
    answer = await browser.get("/calls.csv?persona=bob")
    assert answer.headers["content-disposition"] == 'attachment; filename="calls.csv"'
    head, row = csv.reader(io.StringIO(answer.text))
    assert tuple(head) == HEAD
    facts = dict(zip(head, row, strict=True))
    assert (facts["id"], facts["personas"], facts["outcome"]) == ("AJ_000001", "bob", "completed")
    assert (facts["reason"], facts["number"][:2]) == ('\'=HYPERLINK("x")', "'+")
    assert (facts["duration"], facts["opted_out"]) == ("20.0", "false")


async def test_all_calls_are_exported_not_one_page(browser: Browser) -> None:
    browser.write(*(a_record(nth) for nth in range(450, 0, -1)))
    rows = [*csv.reader(io.StringIO(await browser.page("/calls.csv")))]
    assert [row[0] for row in rows[1:]] == [f"AJ_{nth:06}" for nth in range(1, 451)]
