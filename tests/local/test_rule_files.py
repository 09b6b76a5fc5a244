"""Rules beside a persona, and what the local model says of a persona without any."""

import re
from pathlib import Path

import pytest
from authors import AUTHORS
from deployment import Deployment
from typer.testing import CliRunner

from host.base.errors import SettingsError
from host.cli import cli
from host.local.rule_files import before_bundled, read_rules
from host.local.rules import Reply, Rule, Turn, reply_to

[DENTIST] = re.findall(r"```toml\n(# personas/dentist.rules.toml\n.*?)```", AUTHORS, re.DOTALL)


def a_turn(heard: str, persona: str | None = "dentist", said: str = "", after: str = "") -> Turn:
    """What a persona asks whose tool is book_appointment."""
    tools = {"book_appointment": {"properties": {"day": {"type": "string"}}}}
    return Turn(
        "You are the dentist's desk.", heard, after or None, False, tools, None, "", persona, said
    )


def test_the_rules_of_a_file_answer_its_persona_alone(tmp_path: Path) -> None:
    (tmp_path / "dentist.py").write_text("")
    (tmp_path / "dentist.rules.toml").write_text(DENTIST)
    rules = read_rules(tmp_path, ["dentist"])
    book = Reply(tool=("book_appointment", {"day": "Monday"}))
    assert reply_to(a_turn("An appointment, please."), rules) == book
    assert (
        reply_to(a_turn("", after="book_appointment"), rules).text == "You are booked for Monday."
    )
    assert reply_to(a_turn("An appointment, please.", "florist"), rules) != book
    assert reply_to(a_turn("An appointment, please.", None), rules) != book


def test_folders_without_such_files_have_no_rules(tmp_path: Path) -> None:
    assert read_rules(tmp_path / "not-there", []) == ()
    (tmp_path / "_draft.rules.toml").write_text("this is no TOML")
    assert read_rules(tmp_path, []) == ()


@pytest.mark.parametrize(
    ("text", "line", "fault"),
    [
        ("[[rules]]\nsays = Hello\n", 2, "Invalid value"),
        ('[[rules]]\nhears = "a"\nsays = 3\n', 3, "says must be text"),
        ('[[rules]]\nsays = "a"\n\n[[rules]]\nhears = "("\nsays = "b"\n', 5, "hears is no regular"),
        (
            '[[rules]]\nhear = "a"\nsays = "b"\n',
            2,
            "hear is no field of a rule; did you mean hears",
        ),
        ('[[rule]]\nsays = "a"\n', 1, "rule is no field of a rule; did you mean rules?"),
        ('\n[[rules]]\nhears = "a"\n', 2, "a rule needs says or calls"),
        ('[[rules]]\nsays = "a"\narguments = { day = 1 }\n', 1, "arguments need calls"),
        ('rules = "none"\n', 1, "rules must be a list"),
    ],
)
def test_a_file_that_is_wrong_is_one_line_with_its_place(
    tmp_path: Path, text: str, line: int, fault: str
) -> None:
    file = tmp_path / "dentist.rules.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        read_rules(tmp_path, ["dentist"])
    assert str(raised.value).startswith(f"{file}:{line}: {fault}")
    assert "\n" not in str(raised.value)


def test_a_wrong_file_is_reported_before_any_server_starts(deployment: Deployment) -> None:
    deployment.persona("ann")
    deployment.write("personas/ann.rules.toml", "[[rules]]\nsays = 3\n")
    done = CliRunner().invoke(cli, ["chat", "ann", "--local"])
    assert isinstance(done.exception, SettingsError), done.output
    assert str(done.exception) == "personas/ann.rules.toml:2: says must be text"


def test_rules_of_no_persona_are_an_error_and_those_of_a_broken_one_are_not(tmp_path: Path) -> None:
    (tmp_path / "dentst.rules.toml").write_text(DENTIST)
    fault = "there is no persona dentst; did you mean dentist?"
    with pytest.raises(SettingsError, match=fault.replace("?", r"\?")):
        read_rules(tmp_path, ["dentist"])
    (tmp_path / "dentst.py").write_text("this is no Python")
    assert len(read_rules(tmp_path, [])) == 2


def test_rules_of_a_test_come_first_and_the_bundled_ones_last() -> None:
    of_a_test, beside, bundled = Rule(says="test"), Rule(says="beside"), Rule(says="bundled")
    assert before_bundled([of_a_test, bundled], [beside], [bundled]) == (of_a_test, beside, bundled)
    assert before_bundled([of_a_test], [beside], [bundled]) == (of_a_test, beside)


def test_a_persona_without_rules_is_told_once_how_to_get_an_answer() -> None:
    others = [Rule(about="florist", says="Roses."), Rule(persona="baker", says="Bread.")]
    told = reply_to(a_turn("What is it?"), others).text
    assert told == (
        "I am the local model, and have no rules for this persona. "
        "Write them to personas/dentist.rules.toml, or set OPENAI_API_KEY for a real one."
    )
    again = "Sorry, could you say that again?"
    assert reply_to(a_turn("What?", said=f"Hello. {told}"), others).text == again
    own = [*others, Rule(persona="dentist", hears="teeth", says="We have a look.")]
    assert reply_to(a_turn("What is it?"), own).text == again
    assert "personas/NAME.rules.toml" in reply_to(a_turn("What is it?", None), others).text
