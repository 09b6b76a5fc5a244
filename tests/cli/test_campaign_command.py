"""`python -m host campaign`: a file is checked, stored for the running hosts, and steered."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from deployment import Deployment
from typer.testing import CliRunner

from host.cli import cli
from host.dispatch.campaigns import Step, open_campaigns
from host.settings import load_settings

SETTINGS = 'calling_hours = "00:00-24:00"\nallow_numbers = ["+1555*"]\n'
WANTS_A_NAME = '''\
"""ann: wants a name."""

from pydantic import BaseModel

from host import hookimpl


class Person(BaseModel):
    name: str


@hookimpl
def instructions(call):
    return "Say what the rules say."


@hookimpl
def parse_metadata(metadata):
    return Person.model_validate(metadata)
'''
FILE = "number,name\n+15552220001,Ann\n+15552220002,Bo\n"


@pytest.fixture
def folder(served: Deployment) -> Path:
    """A deployment with a persona that wants a name, and its folder."""
    served.write("host.toml", SETTINGS)
    return served.write("personas/ann.py", WANTS_A_NAME).parent.parent


def run(*words: str) -> Any:
    return CliRunner().invoke(cli, ["campaign", *words])


def start(folder: Path, text: str, *words: str) -> Any:
    (folder / "rows.csv").write_text(text)
    return run("start", str(folder / "rows.csv"), "--persona", "ann", *words)


def test_a_campaign_is_stored_as_it_is_wanted(folder: Path) -> None:
    words = ("--calls-at-once", "4", "--per-minute", "30", "--tries", "2", "--spacing", "90")
    told = json.loads(start(folder, FILE, *words, "--json").stdout)
    assert (told["rows"], told["waiting"], told["status"]) == (2, 2, "running")
    made = open_campaigns(load_settings()).find(told["id"])
    assert (made.calls_at_once, made.per_minute, made.tries) == (4, 30, 2)
    assert (made.spacing, made.persona, made.name) == (5400, "ann", "rows.csv")


def test_a_wrong_row_keeps_the_whole_file_back(folder: Path) -> None:
    result = start(folder, FILE + "+15552220003,\n0049,Cy\n")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "rows.csv: line 4: the metadata is invalid: name is missing",
        "rows.csv: line 5: its number is not in E.164, such as +15550001111",
    ]
    assert str(result.exception) == "2 faults in rows.csv: nothing is dialled"
    assert json.loads(run("list", "--json").stdout) == {"campaigns": []}


def test_what_the_gate_forbids_is_named_and_left(folder: Path) -> None:
    (folder / "host.toml").write_text(f'{SETTINGS}deny_numbers = ["+15552220002"]\n')
    result = start(folder, FILE)
    assert "line 3: left: " in result.stderr
    assert "(rule: denied)" in result.stderr
    assert "1 rows to call, 1 left" in result.stdout
    directory = open_campaigns(load_settings())
    rows = directory.rows(directory.all()[0])
    assert [row.step for row in rows] == [Step.WAITING, Step.DONE]


def test_a_campaign_is_steered_by_the_beginning_of_its_id(folder: Path) -> None:
    id = json.loads(start(folder, FILE, "--json").stdout)["id"]
    for what, status in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        assert json.loads(run(what, id[:6], "--json").stdout)["status"] == status
    assert str(run("resume", id).exception) == "the campaign is stopped"
    assert "stopped" in run("list").stdout
    assert json.loads(run("show", id, "--json").stdout)["id"] == id
    assert str(run("show", "xyz").exception) == "there is no campaign 'xyz'"


def test_results_are_csv(folder: Path) -> None:
    id = json.loads(start(folder, FILE, "--json").stdout)["id"]
    rows = list(csv.DictReader(io.StringIO(run("results", id).stdout)))
    assert [(row["line"], row["number"], row["step"], row["outcome"]) for row in rows] == [
        ("2", "+15552220001", "waiting", ""),
        ("3", "+15552220002", "waiting", ""),
    ]
    assert len(json.loads(run("results", id, "--json").stdout)["rows"]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list",), None),
        (("show", "x"), "there are no campaigns"),
        (("start", "none.csv", "--persona", "ann"), "none.csv: No such file or directory"),
    ],
)
def test_what_is_not_there_is_one_line(folder: Path, words: tuple[str, ...], said: str) -> None:
    result = run(*words)
    assert (str(result.exception) if said else result.stdout.strip()) == (said or "no campaigns")
    assert not (load_settings().state_dir / "campaigns.db").exists()
