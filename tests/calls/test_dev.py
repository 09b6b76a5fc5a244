"""`dev --local` as whoever tries it first sees it: what it shows, and a number that it names."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from terminal import Screen, Terminal

from host.base.paths import EXAMPLE_PERSONAS
from host.records.outcome import Outcome

pytestmark = pytest.mark.whole("a command is a process")

BUSY = "+15552220002"

Ready = tuple[Terminal, asyncio.subprocess.Process, Screen]


@pytest_asyncio.fixture(loop_scope="session")
async def terminal(tmp_path: Path) -> AsyncIterator[Ready]:
    """A terminal in which the host is ready."""
    terminal = Terminal(tmp_path, HOST_PERSONAS_DIR=str(EXAMPLE_PERSONAS))
    dev = await terminal.run("dev", "--local")
    screen = Screen(dev.stderr)
    try:
        await screen.shows("ready as ")
        yield terminal, dev, screen
    finally:
        if dev.returncode is None:
            dev.send_signal(signal.SIGINT)
            await asyncio.wait_for(dev.communicate(), 30)


@pytest.mark.promise("`python -m host dev --local` prints numbers to dial")
async def test_the_numbers_that_it_names_can_be_read_and_dialled(terminal: Ready) -> None:
    shell, dev, screen = terminal
    assert f"{BUSY} is busy" in screen.text
    call = await shell.run(
        *("call", "--local", "reminder", BUSY, "patient=Ann", "time=3pm", "--json")
    )
    told, errors = await asyncio.wait_for(call.communicate(), 60)
    assert call.returncode == Outcome.BUSY.exit_code, errors.decode()
    assert json.loads(told)["outcome"] == "busy"
    dev.send_signal(signal.SIGINT)
    _, rest = await asyncio.wait_for(dev.communicate(), 30)
    assert dev.returncode == 0, rest.decode()
