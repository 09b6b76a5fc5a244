"""The commands as processes: one clear line for what can be mended, and exit code 1.

What each line says is in tests/cli/test_slips.py, in this process.
"""

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


def test_help_does_not_wait_for_livekit() -> None:
    code = """
        import sys
        from host.cli import main

        for command in ("--help", "call --help", "dev --help", "provision --help"):
            sys.argv = ["host", *command.split()]
            try:
                main()
            except SystemExit as end:
                assert not end.code
        print([name for name in sys.modules if name.split(".")[0] == "livekit"])
    """
    assert printed_by(code).splitlines()[-1] == "[]"


def test_a_livekit_that_is_down_is_named(tmp_path: Path) -> None:
    line = one_line(host("start", settings={**SOMEWHERE, **KEYS}, cwd=tmp_path))
    assert "ws://127.0.0.1:9 can't be reached" in line


def test_a_call_is_checked_before_anything_is_dispatched(tmp_path: Path) -> None:
    line = one_line(host("call", "nobody", "+15552220001", settings=SOMEWHERE, cwd=tmp_path))
    assert "there is no persona 'nobody'" in line


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
