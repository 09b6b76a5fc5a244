"""Set-up: which Python is chosen, when packages are installed again, what is said."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NoReturn

import pytest
from syntax import parsed

from host.local import setup
from host.local.setup import Python, SetupError
from host.local.speech import flite

ROOT = Path(setup.__file__).parents[2]


def program(file: Path, script: str) -> Path:
    """Write a shell script that can be run."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def must_not_run(*_: object, **__: object) -> NoReturn:
    raise AssertionError("nothing is missing, so nothing is to be run")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that is set up, on a machine that has everything."""
    house = tmp_path / "house"
    program(house / ".venv" / "bin" / "python", "exit 1")
    program(house / ".venv" / "bin" / "pip", "exit 1")
    (house / "pyproject.toml").write_text("[project]\n")
    (house / "constraints.txt").write_text("pluggy==1.6.0\n")
    (house / ".venv" / "host-packages").write_text(setup.stamp_of(house))
    machine = tmp_path / "machine"
    program(machine / "flite", "exit 0")
    server = program(machine / "server", "exit 0")
    monkeypatch.setenv("PATH", str(machine))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOST_LIVEKIT_SERVER", str(server))
    known = f"{server} {setup.cache()}\n{server}"
    (house / ".venv" / "host-livekit-server").write_text(known)
    monkeypatch.setattr(setup, "ROOT", house)
    monkeypatch.setattr(setup, "run", must_not_run)
    return house


@pytest.fixture
def ran(house: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The steps that set-up takes in the house; each is only written down."""
    ran: list[list[str]] = []

    def write_down(command: list[str], *_: object, **__: object) -> str:
        ran.append(command)
        return ""

    monkeypatch.setattr(setup, "run", write_down)
    return ran


# Which Python.


@pytest.mark.parametrize(
    ("pythons", "chosen"),
    [
        ({"python3.13": True, "python3.12": True, "python3.11": True}, "python3.13"),
        ({"python3.13": False, "python3.11": True}, "python3.11"),
        ({"python3.14": True, "python3.11": True}, "python3.11"),
        ({"python3.14": True}, "python3.14"),
        ({"python3.13": False, "python3.11": False}, "python3.13"),
        ({"python3.9": True, "python3.11": True}, "python3.11"),
    ],
)
def test_the_newest_tried_python_that_can_make_a_venv(
    pythons: dict[str, bool], chosen: str
) -> None:
    known = [Python(name, (3, int(name[8:])), able) for name, able in pythons.items()]
    assert setup.choose_python(known).program == chosen


@pytest.mark.parametrize("pythons", [[], [Python("python3", (3, 9), True)]])
def test_without_a_fit_python_a_line_says_what_to_install(pythons: list[Python]) -> None:
    with pytest.raises(SetupError, match="^no Python 3.11 .*: apt-get install python3 python3-v"):
        setup.choose_python(pythons)


def test_pythons_are_found_by_name_and_a_shim_that_fails_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "python3.13", "echo no such version >&2; exit 127")
    program(tmp_path / "python3.12", "echo 3 12 0")
    program(tmp_path / "python3", "echo 3 11 1")
    assert list(setup.find_pythons({"PATH": str(tmp_path)})) == [
        Python(str(tmp_path / "python3.12"), (3, 12), False),
        Python(str(tmp_path / "python3"), (3, 11), True),
    ]


def test_this_python_tells_its_version() -> None:
    told = setup.ask_python(sys.executable)
    assert told
    assert told.version == sys.version_info[:2]


def test_a_python_without_venv_is_mended_by_its_own_package() -> None:
    usual, other = Python("/bin/python3", (3, 11), False), Python("/x/python3.12", (3, 12), False)
    same = Python("/bin/python3.11", (3, 11), False)
    assert setup.venv_package(same, [same, usual]) == "python3-venv"
    assert setup.venv_package(other, [other, usual]) == "python3.12-venv"


def test_without_venv_and_apt_a_line_says_what_to_install(
    house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(house / ".venv")
    lacking = program(tmp_path / "machine" / "python3", "echo 3 11 0")
    assert setup.main([]) == 1
    told = f"setup: {lacking} can't make .venv: apt-get install python3-venv\n"
    assert capsys.readouterr().err == told


# What is missing.


def test_when_nothing_is_missing_nothing_is_run_or_said(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert setup.main([]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_packages_are_installed_again_when_what_they_follow_from_changed(
    house: Path, ran: list[list[str]], changed: str
) -> None:
    (house / changed).write_text("other")
    assert setup.main([]) == 0
    assert setup.main([]) == 0
    assert [command[2:] for command in ran] == [
        ["pip", "--disable-pip-version-check", "install"]
        + ["--quiet", "-c", "constraints.txt", "-e", ".[dev]"]
    ]


def test_a_venv_that_was_left_half_made_is_made_again(
    house: Path, tmp_path: Path, ran: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    (house / ".venv" / "bin" / "pip").unlink()
    python = program(tmp_path / "machine" / "python3.12", "echo 3 12 1")
    assert setup.main([]) == 0
    assert ran[0] == [str(python), "-m", "venv", "--clear", str(house / ".venv")]
    assert capsys.readouterr().out.startswith("setup: making .venv with Python 3.12\n")


def test_a_failed_step_is_one_line_and_is_tried_again(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise SetupError("installing packages: failed: no network")

    monkeypatch.setattr(setup, "run", fail)
    (house / "constraints.txt").write_text("other")
    assert [setup.main([]), setup.main([])] == [1, 1]
    assert capsys.readouterr().err == "setup: installing packages: failed: no network\n" * 2


def test_without_flite_and_apt_a_line_says_so_and_the_rest_is_made(
    house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "machine" / "flite").unlink()
    (house / ".venv" / "host-livekit-server").unlink()
    program(house / ".venv" / "bin" / "python", f"echo {tmp_path}/machine/server")
    assert setup.main([]) == 1
    told = "setup: flite is missing, and no apt-get here to install it: install flite\n"
    assert capsys.readouterr().err == told
    assert (house / ".venv" / "host-livekit-server").is_file()


def test_flite_is_unpacked_to_where_the_voice_looks_for_it(house: Path, tmp_path: Path) -> None:
    (tmp_path / "machine" / "flite").unlink()
    unpacked = program(setup.cache() / "flite" / "usr" / "bin" / "flite", "exit 0")
    assert flite.find_flite() == unpacked
    assert setup.main([]) == 0


def test_a_livekit_server_that_is_gone_is_looked_for_again(
    house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "machine" / "server").unlink()
    program(
        house / ".venv" / "bin" / "python", "echo HOST_LIVEKIT_SERVER: it is no program; exit 1"
    )
    assert setup.main([]) == 1
    assert capsys.readouterr().err == "setup: HOST_LIVEKIT_SERVER: it is no program\n"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("E: Unable to locate package flite\nE: more\n", "Unable to locate package flite"),
        ("  × pip failed\n  ╰─> ERROR: x\n      ERROR: no network\nnote: hint", "no network"),
        ("one\ntwo\nthree\nfour\n", "two / three / four"),
        ("", ""),
    ],
)
def test_the_words_of_a_failed_program_that_tell(told: str, words: str) -> None:
    assert setup.last_words(told) == words


def test_a_failed_program_is_named_with_its_words() -> None:
    with pytest.raises(SetupError, match="^trying: failed: broken$"):
        setup.run([sys.executable, "-c", "raise SystemExit('ERROR: broken')"], "trying")


# What is pinned, and the Makefile.


def test_constraints_are_written_sorted_and_without_the_host() -> None:
    packages = ["typing_extensions 4.1", "host 0.1.0", "PyJWT 2.0", "aiohttp 3.1"]
    installed = [dict(zip(("name", "version"), one.split(), strict=True)) for one in packages]
    report = {"install": [{"metadata": one} for one in installed]}
    told = setup.constraints_of(report)
    assert told == setup.HEADING + "aiohttp==3.1\npyjwt==2.0\ntyping-extensions==4.1\n"


def test_constraints_pin_all_that_the_project_names() -> None:
    first, *lines = (ROOT / "constraints.txt").read_text().splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    named = {
        re.split(r"[^\w.-]", wanted)[0]
        for wanted in [*project["dependencies"], *extras["local"], *extras["dev"]]
    }
    assert first + "\n" == setup.HEADING
    assert lines == sorted(lines, key=lambda line: line.split("==")[0])
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9.-]+==[\w.]+", line)] == []
    assert named - {"host"} <= {line.split("==")[0] for line in lines}


def test_setup_needs_nothing_but_the_standard_library() -> None:
    tree = parsed(Path(setup.__file__))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [a.name for a in node.names] if isinstance(node, ast.Import) else [str(node.module)]
        )
    }
    assert imported <= sys.stdlib_module_names


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
def test_make_alone_shows_the_targets() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^  make ([\w-]+) +\w", shown, re.MULTILINE)
    tests, hours = ["test", "test-quick", "test-all", "coverage"], ["bench", "faults", "soak"]
    assert targets == [
        "help",
        "setup",
        "demo",
        *tests,
        "docs",
        "site",
        "lint",
        *hours,
        "constraints",
    ]
