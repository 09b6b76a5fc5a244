"""The log: readable, and without anything private, whoever logs or prints it."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from canaries import NUMBER, SECRETS, TRUNK_PASSWORD
from deployment import HERE
from leaks import BELOW_PYTHON, ILLNESS, KEYS, LEAKS, ROOM, SAID, TOKEN

from host.local.process import bare_environment
from host.privacy.logs import _matters

# One process runs them all: what the program tells is run once for each form.
pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("logs")]

TOLD = {leak.__name__ for leak in LEAKS if leak.__name__ != "in_the_details_of_a_library"}
"""What an output must have: what is private is masked, and not the line that it is in."""
TOLD_BELOW = {leak.__name__ for leak in BELOW_PYTHON}
PRIVATE = (*SECRETS.values(), TRUNK_PASSWORD, NUMBER[2:], NUMBER[5:], TOKEN[4:])
FORMS = ("json", "terminal", "verbose")
SHOWN_ELSEWHERE = {("call", "terminal"), ("command", "terminal"), ("command", "verbose")}
"""What `make test-all` alone runs: the forms are the parent's, the processes those with JSON."""


def outputs(*forms: str, of: tuple[str, ...]) -> list[Any]:
    """Processes and forms, as parameters."""
    each = [(process, form) for form in forms for process in of]
    return [
        pytest.param(*one, marks=[pytest.mark.every] * (one in SHOWN_ELSEWHERE)) for one in each
    ]


class Mute:
    """Can't be written down."""

    def __repr__(self) -> str:
        raise RuntimeError("mute")


@cache
def output_of(process: str, form: str) -> tuple[str, str]:
    """Run the program that tells everything; give its output, as bytes came, and its errors."""
    with TemporaryDirectory() as folder:
        return output_with(process, form, Path(folder), {})


def output_with(
    process: str, form: str, folder: Path, settings: Mapping[str, str]
) -> tuple[str, str]:
    """Run it with settings of a deployment."""
    done = subprocess.run(
        [sys.executable, str(HERE / "leaks.py"), process, form],
        cwd=folder,
        env={**bare_environment(), "PYTHONPATH": f"{HERE.parent}:{HERE}", **SECRETS, **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout, done.stderr


@pytest.mark.parametrize(("process", "form"), outputs(*FORMS, of=("parent", "call", "command")))
def test_whatever_tells_of_a_number_or_a_secret_it_is_not_in_the_output(
    process: str, form: str
) -> None:
    out, errors = output_of(process, form)
    for private in PRIVATE:
        assert private not in out + errors
    for leak in TOLD | {"in_the_end"} | (set() if process == "command" else TOLD_BELOW):
        assert leak in out + errors, f"{leak} told nothing at all:\n{errors}"
    assert not [words for words in (SAID, ILLNESS, KEYS) if words in out + errors]
    assert "+1…57" in out + errors.replace("\\u2026", "…")


@pytest.mark.parametrize("process", ["parent", "call"])
def test_lines_for_programs_have_a_room_that_can_be_found(process: str) -> None:
    _, errors = output_of(process, "json")
    lines = [json.loads(line) for line in errors.splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line["message"] == "in_the_fields_of_a_line"]
    assert (line["room"], line["persona"]) == (ROOM.replace(NUMBER, "+1…57"), "desk")
    (failed,) = [line for line in lines if line["message"] == "a hook failed"]
    assert "ValueError: in_a_traceback ••••" in failed["trace"]
    assert "KeyError: '+1…57'" in failed["trace"]


@pytest.mark.parametrize("process", ["parent", "call"])
def test_what_nobody_caught_is_a_line_like_all_others(process: str) -> None:
    _, errors = output_of(process, "json")
    lines = [json.loads(line) for line in errors.splitlines() if line.startswith("{")]
    told = [line for line in lines if "in_a_thread" in line.get("trace", "")]
    assert [line["level"] for line in told] == ["error"]
    assert any("in_a_warning" in line["message"] for line in lines)


def test_the_host_opens_numbers_by_name_and_secrets_never(tmp_path: Path) -> None:
    out, errors = output_with("parent", "json", tmp_path, {"HOST_LOG_NUMBERS": "true"})
    assert NUMBER in out
    assert NUMBER in errors
    assert not [secret for secret in (*SECRETS.values(), TRUNK_PASSWORD) if secret in out + errors]


@pytest.mark.parametrize("opened", [False, True])
def test_words_are_opened_by_name(tmp_path: Path, opened: bool) -> None:
    settings = {"HOST_LOG_TRANSCRIPTS": "true"}
    told = output_with("call", "verbose", tmp_path, settings) if opened else None
    out, errors = told or output_of("call", "verbose")
    assert (SAID in out + errors) is opened
    assert (ILLNESS in out + errors) is opened
    # A library's own details quote whole requests: they are for those who open words.
    assert ("in_the_details" in errors) is opened


def test_a_variable_that_is_named_like_a_secret_is_one(tmp_path: Path) -> None:
    named = {"HOST_LOG_NUMBERS": "true", "SOME_CRM_TOKEN": NUMBER}
    out, errors = output_with("parent", "json", tmp_path, named)
    assert NUMBER not in out + errors


@pytest.mark.parametrize(("process", "form"), outputs("terminal", "json", of=("parent", "call")))
def test_a_name_from_outside_gives_no_orders_to_a_terminal(process: str, form: str) -> None:
    _, errors = output_of(process, form)
    (line,) = [line for line in errors.splitlines() if "in_orders_to_a_terminal" in line]
    assert "+1…57" in line.replace("\\u2026", "…")
    assert not {"\x1b", "\x07", "\u202e", "\r"} & set(line)


HAS_A_HANDLER = '''
"""Ann: has a handler of her own, and prints, when she is imported."""
import logging
from host import hookimpl

logging.getLogger("ann").addHandler(logging.StreamHandler())
print("imported with +1555" + "0142857", end="")

@hookimpl
def instructions(call):
    return "ann"
'''


def test_what_a_persona_keeps_from_its_import_is_masked_in_all_its_calls(tmp_path: Path) -> None:
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas" / "ann.py").write_text(HAS_A_HANDLER)
    folder = {"HOST_PERSONAS_DIR": str(tmp_path / "personas")}
    out, errors = output_with("forkserver", "json", tmp_path, folder)
    for private in PRIVATE:
        assert private not in out + errors
    assert errors.count("in_a_handler_made_at_import +1…57 ••••") == 2, errors
    told = errors.count("imported with +1…57")
    assert told == 1, "and no process tells what the one that it was forked from has told"


def test_what_calls_import_is_masked_as_the_settings_say(tmp_path: Path) -> None:
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas" / "ann.py").write_text(HAS_A_HANDLER)
    (tmp_path / "host.toml").write_text("log_numbers = true\n")
    out, errors = output_with("forkserver", "json", tmp_path, {})
    assert f"imported with {NUMBER}" in errors
    assert SECRETS["OPENAI_API_KEY"] not in out + errors


@pytest.mark.parametrize("given", ["%s", Mute()], ids=["argument", "message"])
def test_whoever_logs_what_has_no_text_does_not_hear_of_it(
    given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)  # which prints what went wrong
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(_matters)
    library = logging.getLogger("some.library")
    library.addHandler(handler)
    try:
        library.warning(given, *([Mute()] if given == "%s" else []))
        library.warning("a line that follows")
        library.warning("%s - %s", "livekit", "Attempted to drop unknown FFI handle 7")
    finally:
        library.removeHandler(handler)
    assert out.getvalue() == "a line that follows\n"
