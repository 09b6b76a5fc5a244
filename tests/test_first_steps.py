"""docs/first-call.md is true: its commands, run from the wheel in an empty folder.

Its call is played by tests/calls/test_first_call.py.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from first_call import transcript, without_digits
from programs import without_pytest
from wheels import installed_host

from host.local.process import bare_environment

CALL = [
    "python -m host new project clinic",
    "cd clinic",
    "python -m host dev --local",
    "python -m host phone",
]


def test_a_persona_of_ones_own_answers_after_four_commands() -> None:
    install, *typed = transcript()
    assert install == "pip install 'host[testing]'"
    assert typed[:4] == CALL


@pytest.mark.processes
def test_the_commands_that_need_no_telephone_show_what_the_page_shows(tmp_path: Path) -> None:
    environment = {
        **without_pytest(bare_environment()),
        "PYTHONPATH": str(installed_host(tmp_path)),
    }
    folder = tmp_path / "empty"
    folder.mkdir()
    ran = []
    for command, lines in transcript().items():
        words = shlex.split(command)
        if words[0] == "cd":
            folder /= words[1]
        if words[:2] != ["python", "-m"] or words[3] in ("dev", "phone", "call"):
            continue
        done = subprocess.run(
            [sys.executable, *words[1:]],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert without_digits(done.stdout) == without_digits("\n".join([*lines, ""]))
        ran.append(words[2:4])
    assert ran == [["host", "new"], ["pytest", "-q"], ["host", "new"]]
