"""`host demo`, which a new user runs first, wherever they are."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from host.local.process import bare_environment


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
