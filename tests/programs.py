"""Small programs of tests, in a Python of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent


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
