"""`dev --local` as whoever tries it first sees it: what it shows, and a number that it names."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from host.base.paths import EXAMPLE_PERSONAS
from host.local.process import bare_environment
from host.local.setup import cache
from host.records.outcome import Outcome

pytestmark = pytest.mark.whole("a command is a process")

BUSY = "+15552220002"


class Terminal:
    """A terminal in which `dev --local` runs, in a world of its own."""

    def __init__(self, folder: Path) -> None:
        self.shown = ""
        self._environment = {
            **bare_environment(),
            "XDG_CACHE_HOME": str(folder / "cache"),  # the world's note is there
            "HOST_PERSONAS_DIR": str(EXAMPLE_PERSONAS),
        }
        self._folder = folder
        (folder / "cache" / "host").mkdir(parents=True)
        for installed in cache().iterdir() if cache().exists() else ():
            if installed.name != "local-world.json":
                (folder / "cache" / "host" / installed.name).symlink_to(installed)

    async def run(self, *words: str) -> asyncio.subprocess.Process:
        """Run a command of the host."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "host", *words),
            cwd=self._folder,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def shows(self, process: asyncio.subprocess.Process, text: str) -> None:
        """Wait until a process has written a text to its stderr."""
        assert process.stderr
        async with asyncio.timeout(60):
            while text not in self.shown:
                line = await process.stderr.readline()
                assert line, self.shown
                self.shown += line.decode()


@pytest_asyncio.fixture(loop_scope="session")
async def terminal(tmp_path: Path) -> AsyncIterator[tuple[Terminal, asyncio.subprocess.Process]]:
    """A terminal in which the host is ready."""
    terminal = Terminal(tmp_path)
    dev = await terminal.run("dev", "--local")
    try:
        await terminal.shows(dev, "ready as ")
        yield terminal, dev
    finally:
        if dev.returncode is None:
            dev.send_signal(signal.SIGINT)
            await asyncio.wait_for(dev.communicate(), 30)


@pytest.mark.promise("`python -m host dev --local` prints numbers to dial")
async def test_the_numbers_that_it_names_can_be_read_and_dialled(
    terminal: tuple[Terminal, asyncio.subprocess.Process],
) -> None:
    screen, dev = terminal
    assert f"{BUSY} is busy" in screen.shown
    call = await screen.run(
        *("call", "--local", "reminder", BUSY, "patient=Ann", "time=3pm", "--json")
    )
    told, errors = await asyncio.wait_for(call.communicate(), 60)
    assert call.returncode == Outcome.BUSY.exit_code, errors.decode()
    assert json.loads(told)["outcome"] == "busy"
    dev.send_signal(signal.SIGINT)
    _, rest = await asyncio.wait_for(dev.communicate(), 30)
    assert dev.returncode == 0, rest.decode()
