"""Wheels: the host's own, and those of projects, built as pip builds them, without its index."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from deployment import HERE

BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"


def build(project: Path, folder: Path) -> Path:
    """Build the wheel of a project into a folder."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    return folder / done.stdout.strip().splitlines()[-1]


def installed_host(folder: Path) -> Path:
    """Install the host's wheel; returns the folder to put into PYTHONPATH."""
    with zipfile.ZipFile(build(HERE.parent, folder)) as opened:
        opened.extractall(folder / "site")
    return folder / "site"
