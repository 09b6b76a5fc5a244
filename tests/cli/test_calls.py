"""`python -m host calls`: what is listed and shown of the calls there were."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stored import a_record
from typer.testing import CliRunner, Result

from host.base.errors import HostError
from host.cli import cli
from host.cli.calls.detail import page
from host.cli.calls.table import table
from host.records import log as call_log
from host.records.filters import read_since
from host.records.log import CallLog, lines_from_the_end
from host.records.record import CallRecord

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
Host = Callable[..., Result]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_environment: None) -> Path:
    """The call log of a deployment that has none yet."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "calls.jsonl"


@pytest.fixture
def host(calls: Path) -> Host:
    """Runs `host calls` with some words."""
    return lambda *words: CliRunner().invoke(cli, ["calls", *words])


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is an hour ahead of UTC in winter."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


def write(file: Path, *records: CallRecord | str) -> None:
    lines = (r if isinstance(r, str) else r.model_dump_json() for r in records)
    file.write_text("".join(f"{line}\n" for line in lines))


def listed(result: Result) -> list[str]:
    """The ids that `--json` gave."""
    assert result.exit_code == 0, result.output
    return [call["id"] for call in json.loads(result.stdout)["calls"]]


# list


def test_a_table_is_aligned_and_in_local_time(in_berlin: None) -> None:
    old = a_record("v1-refused", dispatched_at=datetime(2025, 3, 1, tzinfo=UTC))
    assert table([a_record(), old], NOW).splitlines() == [
        "call      begun         persona   way  number        talk  outcome      why",
        "AJ_kWGDD  Nov 23 10:14  reminder  out  +15552220001  1:05  transferred  "
        "The caller was handed over to billing.",
        "AJ_9wRqY  Mar 01  2025  -         in   -                -  refused      "
        "No persona answers +15550001999.",
    ]


def test_a_table_has_the_cost_of_calls_that_have_one(in_berlin: None) -> None:
    priced, other = a_record("v1-cost"), a_record()
    head, first, second = table([priced, other], NOW, 400).splitlines()
    assert "outcome      cost" in head
    assert "transferred  0.0546+ USD" in first
    assert "USD" not in second


def test_a_table_gives_the_reason_the_room_that_is_left_of_a_terminal() -> None:
    narrow, wide, wider = (table([a_record()], NOW, width) for width in (80, 96, 120))
    assert "why" not in narrow
    assert max(map(len, narrow.splitlines())) <= 80
    assert wide.splitlines()[1].endswith("The caller was handed o…")
    assert len(wide.splitlines()[1]) == 96
    assert wider.splitlines()[1].endswith("handed over to billing.")


def test_the_newest_call_comes_first(calls: Path, host: Host) -> None:
    write(calls, *(a_record(id=f"AJ_{number}") for number in range(30)))
    assert listed(host("--json")) == [f"AJ_{number}" for number in range(29, 9, -1)]
    assert listed(host("list", "--limit", "2", "--json")) == ["AJ_29", "AJ_28"]
    lines = host().stdout.splitlines()
    assert len(lines) == 21
    assert [line.split()[0] for line in lines[:2]] == ["call", "AJ_29"]


def test_a_listed_call_is_its_whole_record(calls: Path, host: Host) -> None:
    write(calls, a_record())
    (call,) = json.loads(host("--json").stdout)["calls"]
    assert CallRecord.model_validate(call) == a_record()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--persona", "reminder"], ["AJ_3", "AJ_1"]),
        (["--persona", "survey", "--since", "10m"], []),
        (["--outcome", "busy"], ["AJ_3"]),
        (["--number", "+1 (555) 222-0003"], ["AJ_3"]),
        (["--number", "0002"], ["AJ_2"]),
        (["--number", "+15550009999"], ["AJ_3", "AJ_2", "AJ_1"]),
        (["--reference", "L-2"], ["AJ_2"]),
        (["--reference", "L-"], []),
        (["--reference", "L-2", "--persona", "reminder"], []),
        (["--since", "90m"], ["AJ_3", "AJ_2"]),
        (["--since", "2d"], ["AJ_3", "AJ_2", "AJ_1"]),
        (["--since", "2d", "--persona", "survey", "--number", "0002"], ["AJ_2"]),
        (["--since", "1m"], []),
    ],
)
def test_calls_are_chosen(calls: Path, host: Host, words: list[str], found: list[str]) -> None:
    def call(number: int, persona: str, outcome: str, minutes_ago: float) -> CallRecord:
        return a_record(
            id=f"AJ_{number}",
            persona=persona,
            outcome=outcome,
            number=f"+1555222000{number}",
            our_number="+15550009999",
            reference=f"L-{number}",
            dispatched_at=datetime.now(UTC) - timedelta(minutes=minutes_ago),
        )

    write(
        calls,
        call(1, "reminder", "completed", 2000),
        call(2, "survey", "completed", 80),
        call(3, "reminder", "busy", 5),
    )
    assert listed(host(*words, "--json")) == found
    if not found:
        assert host(*words).stdout == "no such calls\n"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", NOW - timedelta(minutes=30)),
        ("2h", NOW - timedelta(hours=2)),
        ("1d", NOW - timedelta(days=1)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-11-23", datetime(2026, 11, 22, 23, tzinfo=UTC)),
        ("2026-11-23T09:30", datetime(2026, 11, 23, 8, 30, tzinfo=UTC)),
        ("2026-11-23T09:30Z", datetime(2026, 11, 23, 9, 30, tzinfo=UTC)),
    ],
)
def test_since_is_a_length_of_time_or_a_local_date(
    in_berlin: None, text: str, moment: datetime
) -> None:
    assert read_since(text, NOW) == moment


@pytest.mark.parametrize("text", ["yesterday", "2", "99999999999d", "2026-13-01"])
def test_a_since_that_can_not_be_read_is_named(text: str) -> None:
    with pytest.raises(HostError, match=f"--since '{text}' is neither"):
        read_since(text, NOW)


def test_a_call_is_found_by_the_second_it_began(calls: Path, host: Host) -> None:
    begun = datetime(2026, 11, 23, 9, 0, 0, 500_000, tzinfo=UTC)
    write(calls, a_record(dispatched_at=begun))
    assert listed(host("--since", "2026-11-23T09:00:00.5Z", "--json"))
    assert not listed(host("--since", "2026-11-23T09:00:00.6Z", "--json"))


def test_where_there_are_no_calls_one_line_says_so(calls: Path, host: Host) -> None:
    assert (host().stdout, host().exit_code) == ("no calls in calls.jsonl\n", 0)
    assert listed(host("--json")) == []
    calls.touch()
    assert host().stdout == "no calls in calls.jsonl\n"


# show


def test_a_call_is_told_from_its_answer(in_berlin: None) -> None:
    assert page(a_record(), 80).splitlines() == [
        "Call AJ_kWGDDnrvBsuP",
        "reminder, calling +15552220001 from +15550001111",
        "transferred: The caller was handed over to billing.",
        "",
        "  ended by    persona",
        "  error       RuntimeError: the survey could not be sent",
        "  SIP status  200",
        "  voicemail   human: It said hello and waited.",
        "  recording   recordings/AJ_kWGDDnrvBsuP.ogg",
        "  room        reminder-5f0c2a9d11e4",
        "",
        "  dispatched  10:14:02  2026-11-23, CET",
        "  dialled     10:14:02",
        "  ringing     10:14:03",
        "  answered    10:14:08  rang 5.9 s",
        "  first word  10:14:09  0.8 s after the answer",
        "  ended       10:15:13  1:05 of talk",
        "",
        "Seconds from the answer",
        "     0.8  persona   Hello, this is Molar Dental calling for Ann.",
        "     6.3  caller    Yes, but I have a question about my last bill, which was",
        "                    much higher than the one before, and nobody could tell me",
        "                    why.",
        "    11.8  transfer  to desk: failed (SIP 603): The far end declined.",
        '    11.8  tool      transfer_call({"to": "desk"}) failed: desk does not take the',
        "                    call.",
        "    21.8  caller    presses 1#",
        "    23.8  persona   presses •",
        '    33.5  tool      transfer_call({"to": "billing"})',
        "    65.2  transfer  warm, to billing: done",
        "",
        "Usage",
        "  stt  Deepgram        nova-3        64.85 s of audio",
        "  llm  api.openai.com  gpt-4.1-mini  1,204 input tokens, 88 output tokens",
        "  tts  Cartesia        sonic-3       312 characters, 18.4 s of audio",
    ]


def test_what_came_out_of_a_call_is_told_before_its_story(in_berlin: None) -> None:
    lines = page(a_record("v1-results")).splitlines()
    assert lines[4:22] == [
        "  ended by    persona",
        "  error       RuntimeError: the survey could not be sent",
        "  SIP status  200",
        "  voicemail   human: It said hello and waited.",
        "  opted out   yes, no call to this number is placed any more",
        "  reference   L-17",
        "  key         order-7",
        "  recording   recordings/AJ_kWGDDnrvBsuP.ogg",
        "  uploaded    s3://calls/reminder/AJ_mT4RkQz81bcd.ogg",
        "  concluded   no: the LLM did not conclude within 10 s",
        "  room        reminder-5f0c2a9d11e4",
        "",
        "Results",
        '  booking      {"day": "Monday", "hours": [9, 10.5], "new": true}',
        "  note         Call back.",
        '  conclusions  {"topic": "bill"}',
        "",
        "  dispatched  10:14:02  2026-11-23, CET",
    ]
    assert "    21.9  menu      language -> English" in lines
    assert "    25.8  menu      Red or blue? -> grey, by default" in lines


def test_the_cost_of_a_call_is_told_in_its_parts() -> None:
    lines = page(a_record("v1-cost")).splitlines()
    assert lines[lines.index("Cost: 0.0546+ USD") :] == [
        "Cost: 0.0546+ USD",
        "  llm   api.openai.com/gpt-4.1-mini  0.005600",
        "  stt   Deepgram/nova-3              0.009000",
        "  tts   Cartesia/sonic-3             0.025000",
        "  line  outbound ST_abc              0.015000",
        "  without a price: transfer outbound ST_abc",
    ]
    assert "Cost" not in page(a_record())


def test_a_call_that_nobody_took_is_told_without_what_it_has_not() -> None:
    assert page(a_record("v1-refused", number="+15557770001", retryable=True)).splitlines()[:6] == [
        "Call AJ_9wRqYzT3mKfa",
        "nobody, called by +15557770001",
        "refused: No persona answers +15550001999.",
        "",
        "  ended by    host",
        "  try again   it may go better later",
    ]


def test_nothing_that_a_caller_says_reaches_the_terminal_as_a_command() -> None:
    wild = "\x1b]0;mine\x07 two\nlines \x9b31m \u202e"
    line = {"at": NOW, "who": "caller", "text": wild}
    tool = {"at": NOW, "name": wild, "arguments": wild, "result": wild, "failed": False}
    record = a_record(
        number=wild, our_number=wild, persona=wild, reason=wild, transcript=[line], tools=[tool]
    )
    for text in (page(record, 80), table([record], NOW, 200)):
        assert all(sign.isprintable() for sign in text.replace("\n", ""))
        assert "two lines" in text


@pytest.mark.parametrize(
    ("discarded", "told"), [(False, ""), (True, ", and what was recorded before was discarded")]
)
def test_a_page_tells_when_the_recording_was_stopped(discarded: bool, told: str) -> None:
    at = datetime(2026, 11, 23, 9, 14, 40, tzinfo=UTC)
    record = a_record(recording_stopped_at=at, recording_discarded=discarded)
    line = f"  stopped     the recording ended at {at.astimezone():%H:%M:%S}{told}"
    assert line in page(record).splitlines()


@pytest.mark.parametrize("named", ["AJ_kWGDDnrvBsuP", "AJ_k", "reminder-5f0c2a9d11e4"])
def test_a_call_is_shown_by_its_id_or_how_it_begins_or_its_room(
    calls: Path, host: Host, named: str
) -> None:
    write(calls, a_record("v1-refused"), a_record())
    assert host("show", named).stdout.startswith("Call AJ_kWGDDnrvBsuP\n")
    shown = host("show", named, "--json")
    assert CallRecord.model_validate_json(shown.stdout) == a_record()


def test_an_id_may_be_the_beginning_of_another(calls: Path, host: Host) -> None:
    write(calls, a_record(id="AJ_1"), a_record(id="AJ_12"))
    assert host("show", "AJ_1").stdout.startswith("Call AJ_1\n")


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("AJ_", "'AJ_' may be 2 calls: AJ_12, AJ_11"),
        ("AJ_3", "calls.jsonl has no call 'AJ_3': see `python -m host calls`"),
    ],
)
def test_a_call_that_can_not_be_told_is_one_line(
    calls: Path, host: Host, named: str, why: str
) -> None:
    write(calls, a_record(id="AJ_11"), a_record(id="AJ_12"))
    error = host("show", named).exception
    assert isinstance(error, HostError)
    assert str(error) == why


def test_a_call_that_was_written_twice_is_there_as_written_last(calls: Path, host: Host) -> None:
    write(calls, a_record(reason="First."), a_record("v1-refused"), a_record(reason="Last."))
    assert listed(host("--json")) == [a_record().id, a_record("v1-refused").id]
    assert json.loads(host("show", "AJ_k", "--json").stdout)["reason"] == "Last."


# The log


def test_what_is_no_record_is_passed_over_with_one_warning(calls: Path, host: Host) -> None:
    write(calls, a_record(), '{"version": 1, "id": "AJ_half', "", "[]", a_record("v1-refused"))
    result = host("--json")
    assert len(listed(result)) == 2
    assert result.stderr == (
        "host: 2 lines of calls.jsonl passed over: no call record of this version\n"
    )


def test_a_log_that_can_not_be_read_is_named(calls: Path, host: Host) -> None:
    calls.mkdir()
    error = host().exception
    assert isinstance(error, HostError)
    assert str(error) == "the call log calls.jsonl: Is a directory"


def test_only_the_end_of_a_long_log_is_read(calls: Path) -> None:
    write(calls, *(["no record"] * 10_000), a_record())
    log = CallLog(calls)
    assert next(log.newest_first()) == a_record()
    assert not log.passed_over


@pytest.mark.parametrize("block", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("text", [b"", b"a", b"a\n", b"\n\na\nbb\nccc\n\n", b"one\ntwo\nthree"])
def test_lines_come_from_the_end_whole(
    monkeypatch: pytest.MonkeyPatch, block: int, text: bytes
) -> None:
    monkeypatch.setattr(call_log, "BLOCK", block)
    assert list(lines_from_the_end(io.BytesIO(text))) == text.split(b"\n")[::-1]


def test_the_schema_is_printed(host: Host) -> None:
    assert json.loads(host("schema").stdout)["title"] == "CallRecord"
