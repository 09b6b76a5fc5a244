"""What personas and plugins print and log while they are imported is masked, in every command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from canaries import NUMBER, SECRETS
from deployment import HERE

from host.local.process import bare_environment

pytestmark = pytest.mark.processes

PRINTS = """
import logging, os, subprocess, sys, threading, warnings

number, token = "+1555" + "0142857", os.environ.get("CRM", "").replace("_", "-")
print("{who} prints", number, token)
print("{who} prints an error", number, token, file=sys.stderr)
print("{who} ends no line", number, token, end="")
logging.getLogger("crm").warning("{who} logs %s %s", number, token)
logging.warning("{who} logs at once %s %s", number, token)
warnings.warn(f"{who} warns {{number}} {{token}}", stacklevel=1)
thread = threading.Thread(target=lambda: int(f"{who} fails {{number}} {{token}}"))
thread.start()
thread.join()
"""
BELOW_PYTHON = """
os.write(2, f"{who} writes {{number}} {{token}}\\n".encode())
print("{who} prints below", number, token, file=sys.__stderr__, flush=True)
subprocess.run(["sh", "-c", f"echo {who} echoes {{number}} {{token}}"], check=True)
program = "import sys; print('{who} starts Python', *sys.argv[1:])"
subprocess.run([sys.executable, "-c", program, number, token], check=True)
"""
PERSONA = """
from host import hookimpl

@hookimpl
def instructions(call):
    return "ann"
"""
PLUGIN = """
from host import hookimpl

@hookimpl
async def call_ended(record):
    pass
"""
BROKEN = """
raise ValueError(f"{who} is broken {{number}} {{token}}")
"""
TOLD = ("prints", "prints an error", "ends no line", "logs", "logs at once", "warns", "fails")
TOLD_BELOW = ("writes", "prints below", "echoes", "starts Python")
SECRET = SECRETS["CANARY_CRM_TOKEN"]
OTHERS = [value for value in SECRETS.values() if value != SECRET]
MASKED_NUMBER, MASKED_SECRET = "+1…57", "••••"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A deployment whose persona and plugin tell at their import what they know, and one breaks."""
    for path, text in {
        "personas/ann.py": PRINTS + BELOW_PYTHON + PERSONA,
        "personas/bob.py": PRINTS + BELOW_PYTHON + BROKEN,
        "plugins/crm.py": PRINTS + BELOW_PYTHON + PLUGIN,
    }.items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(f'"""{file.stem}: tells."""\n' + text.format(who=file.stem))
    (tmp_path / "host.toml").write_text('pass_environment = ["CRM"]\n')
    return tmp_path


def output_of(folder: Path, *command: str, **settings: str) -> str:
    """Run Python with arguments in the deployment; return all that it writes.

    The name of the variable CRM does not tell that it is a secret; the settings do.
    """
    bare = bare_environment()
    bare.pop("CANARY_CRM_TOKEN", None)
    settings = {**SECRETS, "CRM": SECRET, **settings}
    del settings["CANARY_CRM_TOKEN"]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**bare, "PYTHONPATH": str(HERE.parent), "PYTHONUTF8": "1", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
    )
    return done.stdout


def told(output: str, who: str, *ways: str, number: str = MASKED_NUMBER) -> None:
    """Assert that somebody told it in all these ways, and the secret in none."""
    for way in ways:
        assert f"{who} {way} {number} {MASKED_SECRET}" in output, output
    assert SECRET not in output


@pytest.mark.parametrize("command", ["dev", "start"])
def test_nothing_that_a_host_writes_while_it_imports_is_private(command: str, folder: Path) -> None:
    output = output_of(folder, "-m", "host", command)
    assert "LIVEKIT_URL" in output, "it has not come as far as it can without LiveKit"
    for who in ("ann", "bob", "crm"):
        told(output, who, *TOLD, *TOLD_BELOW)
    assert "ValueError: bob is broken " in output
    assert [each for each in (*OTHERS, NUMBER[2:], NUMBER[5:]) if each in output] == []


def test_a_host_opens_numbers_by_name_while_it_imports_and_secrets_never(folder: Path) -> None:
    output = output_of(folder, "-m", "host", "dev", HOST_LOG_NUMBERS="true")
    for who in ("ann", "bob", "crm"):
        told(output, who, *TOLD, *TOLD_BELOW, number=NUMBER)


@pytest.mark.parametrize("command", [("personas",), ("hooks", "--json"), ("chat", "bob")])
def test_what_is_printed_and_logged_while_another_command_imports_is_masked(
    command: tuple[str, ...], folder: Path
) -> None:
    for file in folder.rglob("*.py"):
        file.write_text(file.read_text().replace(BELOW_PYTHON.format(who=file.stem), ""))
    output = output_of(folder, "-m", "host", *command)
    for who in ("ann", "bob", "crm"):
        told(output, who, "prints", "prints an error", "ends no line", "logs", "logs at once")
    # The fault of a persona is the command's own line, for whoever has typed it.
    assert NUMBER not in output.replace(f"bob is broken {NUMBER} {MASKED_SECRET}", "")


HELPER = """
import os, subprocess, sys
from host.privacy.environment import of_a_helper
from host.registry import hand_over, read_settings

real, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
os.dup2(null, 1), os.dup2(null, 2)  # what the parent process writes is not asked for
settings = read_settings()
subprocess.run(
    [sys.executable, "-m", "host.server.emit_call_ended", "AJ_none", "--dev"],
    input=hand_over(settings),
    env={**of_a_helper(settings), "HOST_LOG_NUMBERS": "false"},
    stdout=real,
    stderr=real,
)
"""


@pytest.mark.parametrize("opened", [False, True])
def test_a_helper_masks_while_it_imports_as_the_host_s_settings_say(
    opened: bool, folder: Path
) -> None:
    (folder / "personas" / "bob.py").unlink()
    for file in folder.rglob("*.py"):
        file.write_text(file.read_text().replace(BELOW_PYTHON.format(who=file.stem), ""))
    output = output_of(folder, "-c", HELPER, HOST_LOG_NUMBERS=str(opened).lower())
    for who in ("ann", "crm"):
        told(output, who, *TOLD, number=NUMBER if opened else MASKED_NUMBER)
    assert (NUMBER in output) is opened
