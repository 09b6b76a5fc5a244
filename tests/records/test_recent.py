"""The newest calls of a log, by when they began, though it is in the order of their ends."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from stored import a_record

from host.records import recent
from host.records.recent import ROW, find, newest
from host.records.record import CallRecord

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
WEEK = NOW - timedelta(days=7)


def a_call(id: str, began: float, lasted: float = 60, **other: Any) -> CallRecord:
    """A call that began so many seconds ago."""
    begun = NOW - timedelta(seconds=began)
    ended = begun + timedelta(seconds=lasted)
    return a_record(id=id, dispatched_at=begun, ended_at=ended, transcript=[], **other)


def write(file: Path, *calls: CallRecord) -> Path:
    file.write_text("".join(f"{call.model_dump_json()}\n" for call in calls))
    return file


def ids(calls: list[CallRecord]) -> list[str]:
    return [call.id for call in calls]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "calls.jsonl"


def test_a_log_that_is_not_there_has_no_calls(log: Path) -> None:
    assert newest(log, 5, since=WEEK) == []
    assert find(log, "AJ_1", since=WEEK) is None


def test_the_newest_are_those_that_began_last(log: Path) -> None:
    long = a_call("AJ_long", 3600, 3500)
    write(log, a_call("AJ_old", 7200), a_call("AJ_1", 1800), a_call("AJ_2", 900), long)
    assert ids(newest(log, 9, since=WEEK)) == ["AJ_2", "AJ_1", "AJ_long", "AJ_old"]
    assert ids(newest(log, 2, since=WEEK)) == ["AJ_2", "AJ_1"]
    assert ids(newest(log, 9, since=NOW - timedelta(seconds=2000))) == ["AJ_2", "AJ_1"]


def test_a_page_goes_on_behind_a_call_also_among_those_of_one_moment(log: Path) -> None:
    write(log, *(a_call(f"AJ_{at}", 600) for at in range(5)))
    key = (NOW - timedelta(seconds=600), "AJ_2")
    assert ids(newest(log, 9, since=WEEK, before=key)) == ["AJ_1", "AJ_0"]


def test_of_two_records_of_a_call_the_last_one_counts(log: Path) -> None:
    first, second = a_call("AJ_1", 60), a_call("AJ_1", 60, reason="as it is now")
    write(log, first, second)
    (found,) = newest(log, 9, since=WEEK)
    assert found.reason == "as it is now"
    assert find(log, "AJ_1", since=WEEK) == found


def test_lines_that_are_no_records_are_passed_over(log: Path) -> None:
    write(log, a_call("AJ_1", 60))
    with log.open("a") as more:
        more.write('\n{"id":"AJ_9"}\nnone\n{')
    assert ids(newest(log, 9, since=WEEK)) == ["AJ_1"]


def test_calls_that_are_not_chosen_take_no_place(log: Path) -> None:
    write(log, *(a_call(f"AJ_{at:04}", 5000 - at) for at in range(1000)))
    few = newest(
        log,
        3,
        since=WEEK,
        chosen=lambda heads: [head for head in heads if head.id.endswith("00")],
    )
    assert ids(few) == ["AJ_0900", "AJ_0800", "AJ_0700"]


@pytest.mark.corpus
def test_no_call_is_missed_that_was_written_late_or_went_on_for_long(log: Path) -> None:
    dice = random.Random(7)
    calls = [a_call(f"AJ_{at:04}", 3 * at, dice.choice([1, 30, 900])) for at in range(2000)]
    written = sorted(calls, key=lambda call: call.ended_at.timestamp() + dice.uniform(0, 300))
    late = [written.pop(at) for at in (1500, 1000, 500)]  # by a host that was down for long
    write(log, *written, *late)
    expected = ids(sorted(calls, key=lambda call: (call.dispatched_at, call.id), reverse=True))
    paged: list[str] = []
    before = None
    while page := newest(log, 70, since=WEEK, before=before):
        paged += ids(page)
        before = (page[-1].dispatched_at, page[-1].id)
    assert paged == expected


@pytest.mark.corpus
def test_a_long_log_is_not_read_to_its_beginning(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(log, *(a_call(f"AJ_{at:04}", 60 * (5000 - at)) for at in range(5000)))
    read = 0

    def counted(text: bytes) -> recent.Head | None:
        nonlocal read
        read += 1
        return recent.Head.model_validate_json(text)

    monkeypatch.setattr(recent, "_head", counted)
    assert ids(newest(log, 10, since=WEEK))[0] == "AJ_4999"
    assert read < 10 * ROW
