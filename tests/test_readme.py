"""What is generated on the pages is what the code says; README is short."""

from __future__ import annotations

import re

import reference
import refresh
from deployment import HERE

from host import Call
from host.call.live import LiveCall
from host.records.outcome import Outcome
from host.registry import HOOKS
from host.settings import PersonaSettings, Settings, Shared, env_name

README = HERE.parent / "README.md"
SETTINGS = HERE.parent / "docs" / "settings.md"


def test_what_is_generated_is_current() -> None:
    stale = [file.name for file, text in refresh.refreshed().items() if file.read_text() != text]
    assert stale == [], "run `make docs`"


def test_the_hook_table_has_every_hook_in_the_order_of_a_call() -> None:
    rows = reference.hook_table().splitlines()[2:]
    assert [row.split("`")[1].partition("(")[0] for row in rows] == list(HOOKS)
    assert rows[4].startswith("| `choose_persona(dispatch, personas)` | Return the name")
    assert rows[4].endswith("| question, first answer |")


def test_the_outcome_table_tells_exit_code_meaning_and_whether_to_retry() -> None:
    rows = refresh.outcome_table().splitlines()[2:]
    assert len(rows) == len(Outcome)
    assert "| 12 | `busy` | the line was busy | yes |" in rows
    assert "| 13 | `declined` | the call was declined |  |" in rows


def test_the_setting_tables_have_every_variable_and_every_table() -> None:
    tables = refresh.setting_tables()
    for name in Settings.model_fields:
        if name not in refresh.FILE_ONLY:
            shared = "yes" if name in Shared.model_fields else ""
            assert f"| `{env_name(name)}` | {shared} | " in tables
    for name in set(PersonaSettings.model_fields) - set(Shared.model_fields):
        assert f"| `personas.NAME.{name}` | " in tables
    assert "| `[transfers]` |" in tables
    most = "| `HOST_MAX_CALLS` |  | maximum concurrent calls; further callers hear busy | `10` |"
    assert most in tables
    assert "`personas`" in tables
    assert str(README.parent) not in tables


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    tables = (
        reference.hook_table(),
        refresh.outcome_table(),
        *refresh.setting_tables().split("\n\n"),
    )
    for table in tables:
        rows = [row.replace("\\|", "").count("|") for row in table.splitlines()]
        assert len(set(rows)) == 1


def test_a_setting_that_the_example_lacks_is_added_after_the_one_before() -> None:
    whole = (HERE.parent / "host.example.toml").read_text()
    lines = (
        "# ringing_timeout = 30\n",
        "# take_over = true\n",
        '# silent = "Are you still there?"\n',
    )
    torn = whole
    for line in lines:
        assert torn.count(line) == 1
        torn = torn.replace(line, "")
    assert refresh.with_all_settings(torn) == whole


def test_every_hook_is_named() -> None:
    text = (README.parent / "docs" / "hooks.md").read_text()
    assert [name for name in HOOKS if f"`{name}(" not in text] == []
    assert [name for name in HOOKS if f"\n## {name}\n" not in text] == []


def test_every_member_of_a_call_is_named() -> None:
    shown = re.findall(r"^\| `(?:await )?(\w+)", reference.call_table(), re.MULTILINE)
    assert {name for name in dir(a_call_of()) if not name.startswith("_")} == {*shown}


def a_call_of() -> Call:
    """A call, of which only the names are read."""
    return LiveCall(Settings()).call


def test_readme_fits_on_three_screens_and_keeps_ten_settings() -> None:
    text = README.read_text()
    assert len(text.splitlines()) <= 150
    assert len(re.findall(r"^\| `HOST_", text, re.MULTILINE)) == 10


def test_every_environment_variable_is_named() -> None:
    text = SETTINGS.read_text()
    names = [env_name(name) for name in Settings.model_fields if name not in refresh.FILE_ONLY]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_persona_on_its_first_screen_is_the_one_in_the_repository_and_short() -> None:
    persona = (README.parent / "personas" / "reminder.py").read_text()
    assert f"```python\n{persona.rstrip()}\n```" in README.read_text()
    assert len(persona.splitlines()) <= 25
    assert "livekit" not in persona
