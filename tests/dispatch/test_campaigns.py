"""The file of a campaign, when its rows are tried again, and how fast it goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from host.base.errors import HostError, MetadataError, SettingsError
from host.dispatch.campaigns import Attempt, Campaign, Row, Step, control, open_campaigns, queue
from host.dispatch.campaigns.policy import Pace, next_try
from host.dispatch.campaigns.rows import check_rows, read_rows
from host.records.outcome import Outcome
from host.server.retention import purge
from host.settings import Settings

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = 3600.0


def test_columns_are_the_number_the_reference_and_details() -> None:
    rows, faults = read_rows(
        "\ufeffname,number,reference,day\n"
        "Ann,+1 555 222 0001,L-1,Monday\n"
        '"Bo\nLee",+15552220002,,\n'
        "\n"
    )
    assert faults == []
    assert [(row.line, row.number, row.reference, row.details) for row in rows] == [
        (2, "+15552220001", "L-1", {"name": "Ann", "day": "Monday"}),
        (4, "+15552220002", None, {"name": "Bo\nLee"}),
    ]


def test_faults_are_told_by_line() -> None:
    text = "number,name\n5552220001,Ann\n+15552220002,Bo\n+15552220002,Cy\n+15552220003,Di,x\n"
    rows, faults = read_rows(text)
    assert [str(fault) for fault in faults] == [
        "line 2: its number is not in E.164, such as +15550001111",
        "line 4: the number is that of line 3",
        "line 5: it has 3 cells, and the first line 2",
    ]
    assert [row.line for row in rows] == [3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column 'number'"),
        ("name\nAnn\n", "no column 'number'"),
        ("number,name,name\n+15552220001,a,b\n", "the column 'name' is there twice"),
        ("number,persona\n+15552220001,ann\n", "the column 'persona' can't be a detail"),
        ("number\n", "the file has no rows"),
        ('number\n"+1555222', "line 2: "),
    ],
)
def test_a_file_that_is_none_is_one_line(text: str, said: str) -> None:
    with pytest.raises(HostError, match=said):
        read_rows(text)


def test_what_the_persona_finds_wrong_is_told_by_line() -> None:
    def check(number: str, details: dict[str, Any], reference: str | None) -> None:
        if "name" not in details:
            raise MetadataError("the metadata is invalid: name is missing")

    rows, _ = read_rows("number,name\n+15552220001,Ann\n+15552220002,\n")
    faults = check_rows(rows, check)
    assert [str(fault) for fault in faults] == ["line 3: the metadata is invalid: name is missing"]


def tried(*attempts: tuple[datetime, Outcome]) -> Row:
    """A row with attempts that have ended."""
    return Row(
        line=2,
        number="+15552220001",
        attempts=[
            Attempt(number=number, host="a", begun_at=at, outcome=outcome)
            for number, (at, outcome) in enumerate(attempts, 1)
        ],
    )


def test_a_row_is_tried_again_after_its_spacing_as_often_as_wanted() -> None:
    row = tried((NOON, Outcome.BUSY))
    assert next_try(row, 2, 2 * HOUR, NOON) == NOON + timedelta(hours=2)
    assert next_try(row, 1, 2 * HOUR, NOON) is None


def test_a_row_is_tried_at_another_time_of_day() -> None:
    row = tried((NOON, Outcome.NO_ANSWER))
    assert next_try(row, 3, 24 * HOUR, NOON) == NOON + timedelta(hours=25)
    twice = tried((NOON, Outcome.NO_ANSWER), (NOON + timedelta(hours=25), Outcome.NO_ANSWER))
    due = next_try(twice, 3, 23 * HOUR, NOON + timedelta(hours=25))
    assert due == NOON + timedelta(hours=50)


def test_what_dialled_nothing_is_no_try_but_not_for_ever() -> None:
    row = tried((NOON, Outcome.REFUSED), (NOON, Outcome.BLOCKED))
    assert next_try(row, 1, 60, NOON)
    assert next_try(tried(*[(NOON, Outcome.REFUSED)] * 3), 1, 60, NOON) is None


def paced(*outcomes: Outcome) -> Pace:
    pace = Pace()
    for outcome in outcomes:
        pace.note(outcome)
    return pace


def test_failures_of_the_trunk_and_few_answers_slow_a_campaign_down() -> None:
    assert paced().at_once(10) == 10
    assert paced(*[Outcome.COMPLETED] * 15, *[Outcome.TRUNK_ERROR] * 4).at_once(10) == 8
    assert paced(*[Outcome.NO_ANSWER] * 10).at_once(10) == 5
    assert paced(*[Outcome.NO_ANSWER] * 7).at_once(10) == 10
    assert paced(*[Outcome.TRUNK_ERROR] * 20).at_once(10) == 1


def test_five_failures_in_a_row_open_the_circuit_breaker() -> None:
    assert not paced(*[Outcome.TRUNK_ERROR] * 4).broken
    assert not paced(*[Outcome.TRUNK_ERROR] * 4, Outcome.BUSY, Outcome.TRUNK_ERROR).broken
    assert paced(Outcome.COMPLETED, *[Outcome.TRUNK_ERROR] * 5).broken


def test_a_queue_of_another_kind_is_refused(tmp_path: Path, clean_environment: None) -> None:
    settings = Settings(state_dir=tmp_path, campaign_queue="amqp://localhost")
    with pytest.raises(SettingsError, match="must begin with redis://"):
        open_campaigns(settings)
    gone = Settings(state_dir=tmp_path, campaign_queue="redis://127.0.0.1:9/0")
    with pytest.raises(SettingsError, match="campaign_queue: ConnectionError"):
        open_campaigns(gone)


def test_the_database_of_campaigns_is_private(tmp_path: Path, clean_environment: None) -> None:
    open_campaigns(Settings(state_dir=tmp_path))
    assert (tmp_path / "campaigns.db").stat().st_mode & 0o077 == 0


def test_a_campaign_is_paused_resumed_and_stopped(tmp_path: Path, clean_environment: None) -> None:
    directory = open_campaigns(Settings(state_dir=tmp_path))
    rows = [Row(line=2, number="+15552220001")]
    made = control.start(directory, rows, name="a.csv", persona="ann")
    for what, status in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        assert control.change(directory, made.id, what).status == status  # type: ignore[arg-type]
    with pytest.raises(HostError, match="the campaign is stopped"):
        control.change(directory, made.id, "resume")
    with pytest.raises(HostError, match="there is no campaign 'x'"):
        directory.find("x")
    told = control.described(directory, made)
    assert (told["rows"], told["waiting"], told["done"], told["outcomes"]) == (1, 1, 0, {})


def test_results_hold_no_formulas() -> None:
    row = Row(line=2, number="+15552220001", reference="=cmd|x", step=Step.DONE, note="left")
    written = control.as_csv(control.results([row]))
    assert written.splitlines()[1].startswith("2,+15552220001,'=cmd|x,done,blocked,left,0,")


def test_few_campaigns_keep_a_connection_and_all_can_be_worked_on(
    tmp_path: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_OPEN", 3)
    directory = open_campaigns(Settings(state_dir=tmp_path))
    row = Row(line=2, number="+15552220001")
    made = [control.start(directory, [row], name=str(nth), persona="ann") for nth in range(7)]
    queues = []
    for each in made:
        queues.append(directory.queue(each.id))
        assert queues[-1].take() == 2
    connected = [each._storage._conn is not None for each in queues]
    assert connected == [False] * 4 + [True] * 3
    assert [each.row(2) for each in queues] == [row] * 7
    directory.close()
    assert directory.rows(made[0]) == [row]


def test_another_version_may_add_to_a_campaign() -> None:
    facts = {"id": "a", "name": "a", "persona": "ann", "made_at": NOON, "later": 1}
    assert Campaign.model_validate(facts).id == "a"


def test_campaigns_that_are_over_are_purged_with_their_rows(
    tmp_path: Path, clean_environment: None
) -> None:
    settings = Settings(state_dir=tmp_path)
    directory = open_campaigns(settings)
    row = Row(line=2, number="+15552220001")
    made = [control.start(directory, [row], name=name, persona="ann") for name in ("a", "b")]
    control.change(directory, made[0].id, "stop")
    later = datetime.now(UTC) + timedelta(days=2)
    assert purge(settings, later, days=3).removed["campaigns"] == 0
    assert purge(settings, later, days=1, dry_run=True).removed["campaigns"] == 1
    assert purge(settings, later, days=1).removed["campaigns"] == 1
    assert [each.id for each in directory.all()] == [made[1].id]
    assert directory.rows(made[0]) == []
    assert directory.rows(made[1]) == [row]
