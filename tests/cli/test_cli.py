"""The commands as a person types them: one clear line for what can be mended, and exit code 1."""

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from deployment import Deployment
from programs import printed_by

from host.base.paths import EXAMPLE_PERSONAS
from host.local.process import OF_A_DEPLOYMENT

pytestmark = pytest.mark.processes

SOMEWHERE = {
    "LIVEKIT_URL": "ws://127.0.0.1:9",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "a-secret-that-is-long-enough-for-jwt",
}
KEYS = {"DEEPGRAM_API_KEY": "x", "CARTESIA_API_KEY": "x", "OPENAI_API_KEY": "x"}


class Result:
    """What a command printed, and how it ended."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code, self.out, self.error = done.returncode, done.stdout, done.stderr


def host(*words: str, settings: dict[str, str] | None = None, cwd: Path | None = None) -> Result:
    clean = {name: value for name, value in os.environ.items() if not _deployed(name)}
    done = subprocess.run(
        [sys.executable, "-m", "host", *words],
        env={**clean, "HOST_PERSONAS_DIR": str(EXAMPLE_PERSONAS), **(settings or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Result(done)


def _deployed(name: str) -> bool:
    return name.startswith(OF_A_DEPLOYMENT)


def one_line(result: Result) -> str:
    """The single line of an error; a traceback or a second line fails the test."""
    assert result.code == 1, result.error
    (line,) = result.error.strip().splitlines()
    assert line.startswith("host: ")
    return line


def test_it_tells_its_version() -> None:
    told = host("--version")
    assert (told.code, told.out.strip()) == (0, metadata.version("host"))


@pytest.mark.parametrize("command", ["--help", "call --help", "dev --help", "provision --help"])
def test_help_does_not_wait_for_livekit(command: str, tmp_path: Path) -> None:
    code = (
        "import sys; from host.cli import main\n"
        f"sys.argv = ['host', *{command.split()!r}]\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'livekit'])"
    )
    assert printed_by(code).splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["dev", "start"])
def test_missing_livekit_settings_are_named(command: str, tmp_path: Path) -> None:
    line = one_line(host(command, cwd=tmp_path))
    assert "LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET are not set" in line
    assert "--local" in line


def test_missing_provider_keys_are_named_before_the_first_call(tmp_path: Path) -> None:
    line = one_line(host("dev", settings=SOMEWHERE, cwd=tmp_path))
    assert "DEEPGRAM_API_KEY is not set" in line
    assert "CARTESIA_API_KEY is not set" in line
    assert "OPENAI_API_KEY is not set" in line


def test_a_livekit_that_is_down_is_named(tmp_path: Path) -> None:
    line = one_line(host("start", settings={**SOMEWHERE, **KEYS}, cwd=tmp_path))
    assert "ws://127.0.0.1:9 can't be reached" in line


def test_an_address_that_is_no_websocket_is_named(tmp_path: Path) -> None:
    wrong = {**SOMEWHERE, "LIVEKIT_URL": "my-project.livekit.cloud"}
    assert "must begin with ws:// or wss://" in one_line(host("dev", settings=wrong, cwd=tmp_path))


def test_a_wrong_setting_is_named_by_its_variable(tmp_path: Path) -> None:
    line = one_line(host("personas", settings={"HOST_MAX_CALLS": "many"}, cwd=tmp_path))
    assert "HOST_MAX_CALLS" in line


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["nobody", "+15552220001"], "there is no persona 'nobody'"),
        (["reminder", "12345", "patient=Ann", "time=3pm"], "not an E.164 number"),
        (["reminder", "", "patient=Ann", "time=3pm"], "the number to dial is missing"),
        (["reminder", "+15552220001", "patient=Ann"], "time is missing"),
        (["reminder", "+15552220001", "Ann"], "'Ann' is not of the form key=value"),
        (["reminder", "+15552220001", "persona=x"], "persona can't be a detail"),
        (["reminder", "+15552220001", "patient=" + "A" * 20_000, "time=3pm"], "longer than"),
    ],
)
def test_a_call_is_checked_before_anything_is_dispatched(
    words: list[str], wrong: str, tmp_path: Path
) -> None:
    assert wrong in one_line(host("call", *words, settings=SOMEWHERE, cwd=tmp_path))


def test_a_call_needs_a_livekit(tmp_path: Path) -> None:
    words = ["call", "reminder", "+15552220001", "patient=Ann", "time=3pm"]
    assert "LIVEKIT_URL" in one_line(host(*words, cwd=tmp_path))
    assert "can't be reached" in one_line(host(*words, settings=SOMEWHERE, cwd=tmp_path))


def test_which_tells_who_takes_a_call_and_exits_by_it(tmp_path: Path) -> None:
    taken = host("which", "--room", "reminder-7", "--json", cwd=tmp_path)
    assert taken.code == 0
    assert json.loads(taken.out)["persona"] == "reminder"
    refused = host("which", "--metadata", '{"persona": "nobody"}', "--json", cwd=tmp_path)
    assert refused.code == 1
    assert json.loads(refused.out)["persona"] is None


def test_strict_makes_a_broken_persona_an_error(deployment: Deployment) -> None:
    deployment.persona("good")
    deployment.write("personas/bad.py", "import no_such_module\n")
    dirs = {name: os.environ[name] for name in ("HOST_PERSONAS_DIR", "HOST_PLUGINS_DIR")}
    lenient = host("personas", "--json", settings=dirs, cwd=deployment.folder)
    assert lenient.code == 0
    (broken,) = json.loads(lenient.out)["broken"]
    assert broken["file"] == "personas/bad.py"
    assert "no_such_module" in broken["error"]
    assert host("personas", "--strict", settings=dirs, cwd=deployment.folder).code == 1
    started = host("start", "--strict", settings=dirs, cwd=deployment.folder)
    assert started.code == 1
    assert "no_such_module" in started.error
    assert "Traceback" not in started.error


def test_strict_creates_the_models_of_all_personas(deployment: Deployment) -> None:
    deployment.persona("good")
    deployment.write("host.toml", '[personas.good]\ntts = "boop/high"\n')
    dirs = {name: os.environ[name] for name in ("HOST_PERSONAS_DIR", "HOST_PLUGINS_DIR")}
    assert host("personas", settings=dirs, cwd=deployment.folder).code == 0
    strict = host("personas", "--strict", settings=dirs, cwd=deployment.folder)
    assert strict.code == 1
    assert 'tts = "boop/high": no plugin provides boop' in strict.out


def test_a_plugin_can_add_a_command(deployment: Deployment) -> None:
    deployment.persona("good")
    deployment.write(
        "plugins/greets.py",
        '''\
        """Greets from the command line."""

        from host import hookimpl


        @hookimpl
        def register_commands(cli):
            @cli.command()
            def hello():
                """Say hello."""
                print("hello from a plugin")
        ''',
    )
    dirs = {name: os.environ[name] for name in ("HOST_PERSONAS_DIR", "HOST_PLUGINS_DIR")}
    said = host("hello", settings=dirs, cwd=deployment.folder)
    assert (said.code, said.out) == (0, "hello from a plugin\n")
