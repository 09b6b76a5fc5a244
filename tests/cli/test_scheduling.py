"""`python -m host call --at`: schedules a call for a running host."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from deployment import Deployment
from typer.testing import CliRunner

from host.call.schedule import Schedule
from host.cli import cli
from host.server.api.schemas import WantedCall
from host.settings import load_settings

NUMBER = "+15552220001"
WHOLE_DAY = 'calling_hours = "00:00-24:00"\nallow_numbers = ["+1555*"]\n'


def asked(served: Deployment, *words: str, toml: str = WHOLE_DAY) -> Any:
    """Run `host call desk` with some words."""
    served.write("host.toml", toml)
    return CliRunner().invoke(cli, ["call", "desk", NUMBER, *words])


def in_an_hour() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


def test_a_call_is_scheduled_with_all_that_was_given(served: Deployment) -> None:
    at = in_an_hour()
    words = ("name=Ann", "--at", at.isoformat(), "--reference", "L-7", "--key", "k", "--json")
    told = json.loads(asked(served, *words).stdout)
    (call,) = Schedule(load_settings().state_dir).waiting()
    assert (told["id"], told["status"]) == (call.id, "scheduled")
    assert datetime.fromisoformat(told["due_at"]) == call.due == at
    wanted = WantedCall.model_validate_json(call.request)
    assert (wanted.persona, wanted.number, wanted.reference) == ("desk", NUMBER, "L-7")
    assert (wanted.details, wanted.idempotency_key) == ({"name": "Ann"}, "k")
    assert (wanted.not_before, wanted.not_after) == (at, at + timedelta(days=1))


def test_a_repeated_key_is_the_same_call(served: Deployment) -> None:
    words = ("--at", in_an_hour().isoformat(), "--key", "k", "--json")
    first, second = asked(served, *words), asked(served, *words)
    assert json.loads(first.stdout)["id"] == json.loads(second.stdout)["id"]
    assert len(Schedule(load_settings().state_dir).waiting()) == 1


@pytest.mark.parametrize(
    ("words", "toml", "said"),
    [
        (("--at", "2020-01-01T09:00"), WHOLE_DAY, "--at is in the past"),
        (("--not-after", "2020-01-01T09:00"), WHOLE_DAY, "--not-after is in the past"),
        (("--at", "2999-01-01T09:00"), WHOLE_DAY, "--at is more than 30 days ahead"),
        (
            ("--at", "{soon}"),
            f'{WHOLE_DAY}deny_numbers = ["{NUMBER}"]\n',
            "the call is not allowed: ",
        ),
    ],
)
def test_what_can_never_be_is_one_line(
    served: Deployment, words: tuple[str, ...], toml: str, said: str
) -> None:
    soon = in_an_hour().isoformat()
    result = asked(served, *(word.format(soon=soon) for word in words), toml=toml)
    assert result.exit_code == 1
    assert str(result.exception).startswith(said)
    assert Schedule(load_settings().state_dir).waiting() == []


def test_hangup_cancels_a_call_by_its_id(served: Deployment) -> None:
    told = json.loads(asked(served, "--at", in_an_hour().isoformat(), "--json").stdout)
    result = CliRunner().invoke(cli, ["hangup", told["id"]])
    assert result.stdout == "cancelled\n"
    (call,) = Schedule(load_settings().state_dir).waiting()
    assert call.cancelled == "an operator ended the call with host hangup before it was answered"


def listed(*words: str) -> str:
    """What `host calls --scheduled` prints."""
    result = CliRunner().invoke(cli, ["calls", "--scheduled", *words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_scheduled_calls_are_listed_as_they_are_due_and_masked(served: Deployment) -> None:
    later, soon = in_an_hour() + timedelta(hours=1), in_an_hour()
    asked(served, "--at", later.isoformat(), "--reference", f"of {NUMBER}")
    told = json.loads(asked(served, "--at", soon.isoformat(), "--json").stdout)
    first, second = json.loads(listed("--json"))["calls"]
    assert (first["id"], datetime.fromisoformat(first["due"])) == (told["id"], soon)
    assert (first["persona"], first["placed"]) == ("desk", False)
    assert "2220001" not in json.dumps([first, second])
    head, *lines = listed().splitlines()
    assert head.split() == ["call", "due", "until", "persona", "number", "reference"]
    assert [line.split()[0] for line in lines] == [first["id"], second["id"]]
    assert "2220001" not in "".join(lines)


def test_they_are_found_by_number_persona_and_reference(served: Deployment) -> None:
    asked(served, "--at", in_an_hour().isoformat(), "--reference", "L-7")
    for words in (("--number", NUMBER), ("--persona", "desk"), ("--reference", "L-7")):
        assert len(json.loads(listed("--json", *words))["calls"]) == 1
    for words in (("--number", "+15552220002"), ("--reference", "L-8")):
        assert listed(*words) == "no such scheduled calls\n"


def test_a_cancelled_call_is_not_listed(served: Deployment) -> None:
    told = json.loads(asked(served, "--at", in_an_hour().isoformat(), "--json").stdout)
    CliRunner().invoke(cli, ["hangup", told["id"]])
    assert listed() == "no scheduled calls\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--live",), "--live and --scheduled exclude each other"),
        (("--outcome", "busy"), "a scheduled call has not begun: leave out --outcome and --since"),
        (("--since", "2h"), "a scheduled call has not begun: leave out --outcome and --since"),
        (("--persona", "nobody"), "there is no persona"),
    ],
)
def test_what_no_scheduled_call_can_have_is_one_line(
    served: Deployment, words: tuple[str, ...], said: str
) -> None:
    served.write("host.toml", WHOLE_DAY)
    result = CliRunner().invoke(cli, ["calls", "--scheduled", *words])
    assert result.exit_code == 1
    assert said in str(result.exception)
