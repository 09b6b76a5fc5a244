"""The first call of a new user, from the wheel and an empty folder: docs/first-call.md."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from first_call import transcript, without_digits
from terminal import Screen, Terminal
from wheels import installed_host

pytestmark = pytest.mark.whole("a command is a process")


@pytest.mark.promise("A new project's persona answers after four commands")
async def test_the_call_of_the_page_goes_as_the_page_shows(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, PYTHONPATH=str(installed_host(tmp_path)))
    terminal.folder = tmp_path / "empty"
    terminal.folder.mkdir()
    _install, (new, _), (enter, _), (serve, welcome), (phone, call), *_ = transcript().items()

    made = await terminal.run(*words_of(new))
    _, errors = await asyncio.wait_for(made.communicate(), 60)
    assert made.returncode == 0, errors.decode()
    terminal.folder /= enter.removeprefix("cd ")
    dev = await terminal.run(*words_of(serve))
    try:
        screen = Screen(dev.stderr)
        await screen.shows(" with receptionist")
        shown = without_digits(screen.text).splitlines()
        missing = [line for line in welcome if without_digits(line) not in shown]
        assert missing == ["..."]
        await play(await terminal.run(*words_of(phone)), call)
        await screen.shows("completed: the caller hung up")
    finally:
        if dev.returncode is None:
            dev.send_signal(signal.SIGINT)
            await asyncio.wait_for(dev.communicate(), 30)
    assert dev.returncode == 0
    (record,) = (terminal.folder / "calls.jsonl").read_text().splitlines()
    assert json.loads(record)["persona"] == "receptionist"
    assert json.loads(record)["outcome"] == "completed"


def words_of(command: str) -> Sequence[str]:
    """The words of a command behind `python -m host`."""
    python, module, host, *words = shlex.split(command)
    assert [python, module, host] == ["python", "-m", "host"]
    return words


async def play(phone: asyncio.subprocess.Process, lines: Sequence[str]) -> None:
    """Type what a transcript shows as typed, each line after what is shown above it."""
    assert phone.stdin
    screen = Screen(phone.stdout)
    for line in lines:
        if line.startswith(("  ", "[")):
            await screen.shows(line)
        else:
            phone.stdin.write(f"{line}\n".encode())
            await phone.stdin.drain()
    _, errors = await asyncio.wait_for(phone.communicate(), 30)
    assert phone.returncode == 0, errors.decode()
