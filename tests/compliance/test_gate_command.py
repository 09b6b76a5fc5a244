"""`python -m host gate`: what would happen, told without doing it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from host.base.errors import PersonaError
from host.cli import cli
from host.compliance.budget import Budget
from host.server.api.checking import Checker
from host.server.api.refusals import Blocked
from host.server.api.schemas import WantedCall
from host.settings import load_settings

BY_DAY, BY_NIGHT = "2026-11-23T12:00:00-05:00", "2026-11-23T23:00:00-05:00"


@pytest.fixture(autouse=True)
def _deployment(deployment_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (deployment_folder / "personas").mkdir()
    (deployment_folder / "personas" / "ann.py").write_text(
        '"""Ann."""\n\nfrom host import hookimpl\n\n\n'
        "@hookimpl\ndef instructions(call):\n    return 'Ann'\n"
    )
    (deployment_folder / "host.toml").write_text(
        'caller_id = "+12125550100"\npersonas_dir = "personas"\n'
        '[transfers]\nbob = "sip:bob@pbx.example"\n'
        '[personas.ann]\ncountries = ["GB"]\n'
    )


def told(*words: str) -> tuple[int, Any]:
    """Run the command; give its exit code and the JSON that it prints."""
    done = CliRunner().invoke(cli, ["gate", *words, "--json"], catch_exceptions=False)
    return done.exit_code, json.loads(done.stdout)


def test_an_allowed_number_is_exit_code_0() -> None:
    code, verdict = told("+12125550123", "--at", BY_DAY)
    assert code == 0
    reason = "the number is in an allowed country, US"
    assert verdict == {
        "allowed": True,
        "number": "+12125550123",
        "rule": "allowed",
        "reason": reason,
        "retry_at": None,
    }


@pytest.mark.parametrize(
    ("words", "rule", "number"),
    [
        (["+442071234567"], "country", "+442071234567"),
        (["+12125550123", "--at", BY_NIGHT], "hours", "+12125550123"),
        (["+12125550123", "--persona", "ann"], "country", "+12125550123"),
        (["911"], "emergency", None),
        (["tel:+12125550123"], "not_e164", None),
        (["sip:eve@pbx.example"], "sip_uri", None),
        (["*67+12125550123"], "not_e164", None),
        ([""], "not_e164", None),
    ],
)
def test_a_refused_number_is_exit_code_1_and_names_the_rule(
    words: list[str], rule: str, number: str | None
) -> None:
    code, verdict = told(*words)
    assert code == 1
    assert (verdict["allowed"], verdict["rule"], verdict["number"]) == (False, rule, number)
    assert verdict["reason"]


def test_a_persona_has_its_own_rules() -> None:
    assert told("+442071234567", "--persona", "ann", "--at", "2026-11-23T12:00:00Z")[0] == 0


def test_a_sip_address_that_host_toml_names_is_allowed() -> None:
    code, verdict = told("sip:bob@pbx.example")
    assert (code, verdict["number"]) == (0, None)


def test_to_ask_counts_nothing(deployment_folder: Path) -> None:
    for _ in range(5):
        assert told("+12125550123", "--at", BY_DAY)[0] == 0
    assert not (deployment_folder / ".host").exists()


def test_a_persona_that_has_had_its_calls_of_today_is_blocked_until_tomorrow(
    deployment_folder: Path,
) -> None:
    with (deployment_folder / "host.toml").open("a") as more:
        more.write('calling_hours = "00:00-24:00"\nmax_calls_a_day = 1\n')
    asked = ("+442071234567", "--persona", "ann")
    assert told(*asked)[0] == 0
    settings = load_settings()
    Budget(settings.state_dir).admit("AJ_1", "ann", settings.persona("ann"))
    code, verdict = told(*asked)
    assert (code, verdict["rule"]) == (1, "budget")
    assert verdict["reason"] == "ann has reached its daily limit of calls (1)"
    tomorrow = datetime.now().astimezone() + timedelta(days=1)
    assert told(*asked, "--at", tomorrow.isoformat())[0] == 0
    assert told("+12125550123", "--at", BY_DAY)[0] == 0  # nobody's calls in particular


def test_the_api_refuses_a_call_of_such_a_persona_by_the_same_rule(
    deployment_folder: Path,
) -> None:
    with (deployment_folder / "host.toml").open("a") as more:
        more.write('calling_hours = "00:00-24:00"\nmax_minutes_a_day = 1\n')
    settings = load_settings()
    checker, wanted = Checker(settings), WantedCall(persona="ann", number="+442071234567")
    checker.pass_gate(wanted)
    Budget(settings.state_dir).admit("AJ_1", "ann", settings.persona("ann"))
    with pytest.raises(
        Blocked, match=r"reached its daily limit of minutes \(1, including"
    ) as refused:
        checker.pass_gate(wanted)
    assert refused.value.rule == "budget"


def test_where_calls_cannot_be_counted_nobody_calls(deployment_folder: Path) -> None:
    with (deployment_folder / "host.toml").open("a") as more:
        more.write("max_calls_a_day = 1\nmax_attempts_a_day = 0\n")
    (deployment_folder / ".host").mkdir()
    (deployment_folder / ".host" / "state.db").write_bytes(b"no database at all" * 99)
    code, verdict = told("+442071234567", "--persona", "ann", "--at", "2026-11-23T12:00:00Z")
    assert (code, verdict["rule"]) == (1, "budget")
    assert "can't be counted" in verdict["reason"]


def test_it_is_one_line_for_people() -> None:
    done = CliRunner().invoke(cli, ["gate", "+442071234567"], catch_exceptions=False)
    assert done.stdout == ("blocked: GB is not one of the allowed countries (rule: country)\n")


def test_a_persona_that_is_not_there_is_said() -> None:
    with pytest.raises(PersonaError, match="there is no persona 'eve'"):
        CliRunner().invoke(
            cli, ["gate", "+12125550123", "--persona", "eve"], catch_exceptions=False
        )


def test_a_time_that_is_none_is_a_mistake_of_usage() -> None:
    done = CliRunner().invoke(cli, ["gate", "+12125550123", "--at", "noon"])
    assert done.exit_code == 2
