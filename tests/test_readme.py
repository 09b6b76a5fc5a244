"""README.md and docs/settings.md say what is true: their tables are those of the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from deployment import HERE

from host.cli import show
from host.records.outcome import Outcome
from host.registry import HOOKS
from host.settings import Settings, env_name

README = HERE.parent / "README.md"
SETTINGS = HERE.parent / "docs" / "settings.md"


@pytest.mark.parametrize(
    ("file", "name", "table"),
    [(README, "hooks", show.hook_table), (SETTINGS, "settings", show.settings_table)],
)
def test_a_generated_table_is_current(file: Path, name: str, table: Callable[[], str]) -> None:
    found = re.search(f"<!-- {name} -->(.*?)<!-- /{name} -->", file.read_text(), re.DOTALL)
    assert found, f"{file.name} has no <!-- {name} --> ... <!-- /{name} -->"
    assert found[1].strip() == table(), "refresh it from `python -m host hooks --markdown`"


def test_the_exit_codes_are_those_of_the_outcomes() -> None:
    rows = re.findall(r"^\| (\d+) \| ([a-z_, ]+)", README.read_text(), re.MULTILINE)
    told = {outcome: int(code) for code, names in rows for outcome in names.strip().split(", ")}
    assert told == {outcome.value: outcome.exit_code for outcome in Outcome}


def test_every_hook_is_named() -> None:
    text = README.read_text()
    assert [name for name in HOOKS if f"`{name}(" not in text] == []


def test_every_environment_variable_is_named() -> None:
    text = SETTINGS.read_text()
    names = [env_name(name) for name in Settings.model_fields if name not in show.FILE_ONLY]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_persona_on_its_first_screen_is_the_one_in_the_repository_and_short() -> None:
    persona = (README.parent / "personas" / "reminder.py").read_text()
    assert f"```python\n{persona.rstrip()}\n```" in README.read_text()
    assert len(persona.splitlines()) <= 25
    assert "livekit" not in persona
