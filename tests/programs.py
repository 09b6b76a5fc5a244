"""Small programs of tests, in a Python of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from deployment import HERE


def without_pytest(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """An environment for a suite of its own: without what ours was told in PYTEST_ADDOPTS."""
    return {name: text for name, text in environment.items() if not name.startswith("PYTEST")}


def printed_by(
    program: str,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limit: float = 60.0,
) -> str:
    """Run a program; give what it printed. One that fails fails the test with what it said."""
    done = subprocess.run(
        [sys.executable, "-c", dedent(program)],
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
        cwd=cwd,
        env=env,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def collected(*asked: str) -> list[str]:
    """The tests of this repository that pytest would run if it was asked so."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-q", "--collect-only", *asked],
        cwd=HERE.parent,
        env=without_pytest(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return re.findall(r"^(tests/.*)$", done.stdout, re.MULTILINE)
