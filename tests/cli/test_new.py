"""`new`: what it writes loads, passes its own tests, and replaces nothing that was there."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from authors import install_plugin, run_pytest
from deployment import HERE
from pydantic import BaseModel
from wheels import build

import host
from host.base.errors import HostError
from host.cli import checks
from host.cli.new import commands, contents, files, names
from host.dispatch.details import parse_details
from host.local.rule_files import read_rules
from host.local.rules import Turn, reply_to
from host.registry import Registry, load_afresh
from host.settings import load_settings
from host.testing import a_call

ROOT = HERE.parent
LONG = [letter * names.LONGEST for letter in "abc"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_environment: None) -> Path:
    """An empty folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def clinic(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new project, which is the working directory."""
    commands.project("clinic")
    monkeypatch.chdir("clinic")
    return folder / "clinic"


@pytest.fixture
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The metadata of an installed host, whose pytest plugin brings the fixtures."""
    return install_plugin(tmp_path_factory.mktemp("installed"))


def write_everything() -> None:
    """Write two of each kind, with short names and with the longest."""
    for name in ("sales", LONG[0]):
        commands.persona(name)
    for name in ("reminder", LONG[1]):
        commands.persona(name, outbound=True)
    for name in ("crm", LONG[2]):
        commands.plugin(name)


def loaded() -> Registry:
    """Load the working directory, of which nothing is broken."""
    registry = load_afresh(load_settings())
    assert registry.broken == ()
    return registry


def greeting_of(persona: str) -> object:
    """What a persona of the working directory says first."""
    call = a_call(persona)
    return call.hooks.greeting(call=call)


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder: files with their content."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def test_a_project_has_what_a_deployment_needs(clinic: Path) -> None:
    written = {name for name, content in snapshot(clinic).items() if content is not None}
    assert written == {
        ".env",
        ".gitignore",
        "README.md",
        "host.toml",
        "personas/receptionist.py",
        "personas/receptionist.rules.toml",
        "plugins/.gitkeep",
        "pyproject.toml",
        "tests/test_receptionist.py",
    }
    assert [*loaded().personas] == ["receptionist"]
    assert greeting_of("receptionist") == "Hello, this is Clinic. How can I help you?"


def test_only_their_owner_reads_the_secrets_of_a_project(clinic: Path) -> None:
    assert stat.S_IMODE((clinic / ".env").stat().st_mode) == 0o600
    assert ".env" in (clinic / ".gitignore").read_text().splitlines()


def test_a_project_depends_on_the_package_of_this_version(clinic: Path) -> None:
    project = tomllib.loads((clinic / "pyproject.toml").read_text())["project"]
    assert project["name"] == "clinic-personas"
    assert project["dependencies"] == [f"host~={host.__version__}"]
    assert project["optional-dependencies"] == {"dev": [f"host[testing]~={host.__version__}"]}


def test_the_readme_of_a_project_has_its_next_three_commands(clinic: Path) -> None:
    lines = (clinic / "README.md").read_text().splitlines()
    typed = [line.split("#")[0].strip() for line in lines if line.startswith("    ")]
    assert typed[:3] == [
        "python -m host dev --local",
        "python -m host phone receptionist",
        "python -m pytest",
    ]


def test_all_that_is_written_loads_side_by_side(clinic: Path) -> None:
    write_everything()
    registry = loaded()
    assert set(registry.personas) == {"receptionist", "sales", "reminder", *LONG[:2]}
    own = {plugin.name for plugin in registry.plugins if not plugin.bundled}
    assert own == {"crm", LONG[2]}


@pytest.mark.processes
async def test_the_tests_that_are_written_pass(clinic: Path, installed: Path) -> None:
    write_everything()
    assert "16 passed" in await run_pytest(clinic, installed=installed)


@pytest.mark.processes
async def test_those_of_a_persona_and_a_plugin_pass_where_there_is_no_project(
    folder: Path, installed: Path
) -> None:
    commands.persona("sales")
    commands.plugin("crm")
    assert "4 passed" in await run_pytest(folder, installed=installed)


@pytest.mark.processes
@pytest.mark.parametrize(
    "check",
    [
        "ruff check --no-cache --config pyproject.toml",
        "ruff format --check --no-cache --config pyproject.toml",
        "mypy --config-file pyproject.toml",
    ],
)
def test_what_is_written_passes_the_checks_of_the_host(clinic: Path, check: str) -> None:
    write_everything()
    written = [str(file) for file in clinic.rglob("*.py")]
    done = subprocess.run(
        [sys.executable, "-m", *check.split(), *written],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.processes
def test_pip_finds_in_a_project_what_it_needs_and_no_code(clinic: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(build(clinic, tmp_path)) as wheel:
        inside = wheel.namelist()
        (metadata,) = (name for name in inside if name.endswith("/METADATA"))
        needs = wheel.read(metadata).decode()
    assert {name.split("/")[0] for name in inside} == {"clinic_personas-0.1.0.dist-info"}
    assert f"Requires-Dist: host~={host.__version__}" in needs


def test_the_local_llm_has_answers_for_what_is_written(clinic: Path) -> None:
    write_everything()
    rules = read_rules(clinic / "personas", loaded().personas)

    def says(persona: str, heard: str) -> str:
        turn = Turn("", heard, None, False, {}, None, persona=persona)
        return reply_to(turn, rules).text

    hours = "We are open from nine to five, Monday to Friday."
    assert says("sales", "What are your opening hours?") == hours
    assert says("reminder", "Yes, speaking.") == "Can you come to your appointment?"


def test_the_call_that_it_shows_is_one_that_the_persona_takes(
    clinic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    commands.persona("reminder", outbound=True, as_json=True)
    *_, command = json.loads(capsys.readouterr().out)["next"]
    python, module, name, verb, local, persona, number, *details = shlex.split(command)
    assert [python, module, name, verb, local] == ["python", "-m", "host", "call", "--local"]
    assert checks.number_to_dial(number, persona) == "+15552220001"
    parsed = parse_details(loaded().view(persona), checks.details(details))
    assert isinstance(parsed, BaseModel)
    assert parsed.model_dump() == {"customer": "Ann", "time": "3pm"}


def test_people_read_what_was_written_and_what_to_type_next(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.plugin("crm")
    assert capsys.readouterr().out.splitlines() == [
        "wrote plugins/crm.py",
        "wrote tests/test_crm.py",
        "",
        "python -m pytest tests/test_crm.py  # test it",
        "python -m host personas             # see that it is loaded",
    ]


def test_a_bundled_plugin_is_replaced_by_who_says_so(clinic: Path) -> None:
    with pytest.raises(HostError, match="^hold is a bundled plugin: to replace it, add --replace$"):
        commands.plugin("hold")
    commands.plugin("hold", replace=True)
    (replaced,) = (plugin for plugin in loaded().plugins if plugin.name == "hold")
    assert replaced.replaces


@pytest.mark.parametrize(
    "file", ["personas/sales.py", "personas/sales.rules.toml", "tests/test_sales.py"]
)
def test_nothing_is_overwritten_and_then_nothing_is_written(clinic: Path, file: str) -> None:
    (clinic / file).write_text("mine")
    before = snapshot(clinic)
    with pytest.raises(HostError, match="already"):
        commands.persona("sales")
    assert snapshot(clinic) == before


def test_a_link_that_leads_nowhere_is_something_that_is_there(clinic: Path) -> None:
    (clinic / "personas" / "sales.py").symlink_to(clinic / "nowhere.py")
    with pytest.raises(HostError, match="^there is a persona sales already: personas/sales.py$"):
        commands.persona("sales")
    assert not (clinic / "nowhere.py").exists()


def test_a_persona_that_is_a_package_is_one(clinic: Path) -> None:
    (clinic / "personas" / "sales").mkdir()
    with pytest.raises(HostError, match="^there is a persona sales already: personas/sales$"):
        commands.persona("sales")


def test_what_was_written_is_taken_back_where_the_rest_can_not_be(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "tests").write_text("a file where the folder would be")
    before = snapshot(folder)
    wrong = "^tests/test_sales.py can't be written: Not a directory$"
    with pytest.raises(HostError, match=wrong):
        commands.persona("sales")
    assert snapshot(folder) == before


def test_a_folder_with_hidden_files_alone_can_be_made_a_project(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".git").mkdir()
    (folder / ".venv").mkdir()
    commands.project(".")
    assert [*loaded().personas] == ["receptionist"]
    assert "cd " not in capsys.readouterr().out


def test_a_hidden_file_that_a_project_would_replace_keeps_it_from_being_written(
    folder: Path,
) -> None:
    (folder / ".env").write_text("OPENAI_API_KEY=mine")
    with pytest.raises(HostError, match="^.env exists already: nothing was written$"):
        commands.project(".")
    assert snapshot(folder) == {".env": b"OPENAI_API_KEY=mine"}


@pytest.mark.parametrize(
    ("name", "company", "distribution"),
    [
        ("molar-dental", "Molar Dental", "molar-dental-personas"),
        ("Zahnärzte am Ring", "Zahnärzte Am Ring", "zahnarzte-am-ring-personas"),
        ('a "b" {c} $d \\', "A B C D", "a-b-c-d-personas"),
        ("---", "The Office", "personas"),
        ("歯科", "歯科", "personas"),
        ("host", "Host", "host-personas"),
    ],
)
def test_any_name_of_a_folder_makes_a_project_that_loads(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, company: str, distribution: str
) -> None:
    commands.project(os.path.join("new", name))
    monkeypatch.chdir(folder / "new" / name)
    assert [*loaded().personas] == ["receptionist"]
    assert greeting_of("receptionist") == f"Hello, this is {company}. How can I help you?"
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    assert project["name"] == distribution


def test_every_template_is_one_that_something_is_written_from(
    clinic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[str] = set()
    render = files.rendered

    def watched(template: str, values: Mapping[str, str]) -> str:
        read.add(template)
        return render(template, values)

    monkeypatch.setattr(contents, "rendered", watched)
    commands.project("another")
    write_everything()
    assert read == {each.name for each in files.TEMPLATES.iterdir() if each.is_file()}
