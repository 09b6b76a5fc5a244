"""`host demo`, which a new user runs first, wherever they are."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from host.local.demo import SCENES, perform
from host.local.process import bare_environment
from host.local.stage import Stage
from host.testing import Scene


@pytest.mark.alone  # it starts hosts
@pytest.mark.whole("the demo is a process with a world of its own")
async def test_the_demo_plays_its_calls_in_an_empty_folder(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "host", "demo"),
        cwd=tmp_path,
        env=bare_environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 110)
    assert process.returncode == 0, out.decode()
    assert "All 4 scenes ended as they should" in out.decode()
    assert named_files(out.decode(), tmp_path) == {"wav": 3, "txt": 4, "json": 4}


@pytest.mark.sample("busy")
@pytest.mark.parametrize(
    ("at", "files"),
    [
        pytest.param(1, {"wav": 1, "txt": 1, "json": 1}, id="answered"),
        pytest.param(3, {"txt": 1, "json": 1}, id="busy"),
    ],
)
async def test_the_demo_names_the_files_that_it_wrote(
    scene: Scene, at: int, files: dict[str, int]
) -> None:
    said = StringIO()
    stage = Stage(scene.world, scene.settings, Console(file=said, soft_wrap=True, no_color=True))
    assert await perform(SCENES[at], stage, scene.folder), said.getvalue()
    assert named_files(said.getvalue(), scene.folder) == files


def named_files(told: str, folder: Path) -> Counter[str]:
    """How many files of each kind an output names; all of them must be there."""
    files = [folder / file for file in re.findall(r"[\w./-]+\.(?:wav|txt|json)\b", told)]
    assert [file for file in files if not file.stat().st_size] == []
    return Counter(file.suffix[1:] for file in files)
