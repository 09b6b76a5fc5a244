"""Whatever lies in state_dir: calls are answered, dialled or refused, and recorded."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from scene import a_number

from host.dispatch.place import metadata_of, place
from host.local.phone import Busy, Line
from host.records.outcome import Outcome
from host.runner.checkpoint import LARGEST
from host.testing import Scene, heard_once

pytestmark = [
    pytest.mark.memory("files are the same for a whole call"),
    pytest.mark.corpus,
]

Breaks = Callable[[Path], object]


def _sized(size: int) -> Breaks:
    def breaks(file: Path) -> None:
        file.touch()
        os.truncate(file, size)

    return breaks


def _half(file: Path) -> None:
    """Half of a database with a table of another program, or of nothing."""
    with closing(sqlite3.connect(file)) as rows, rows:
        rows.execute("CREATE TABLE mine (text TEXT)")
        rows.execute("INSERT INTO mine VALUES (?)", ("x" * 20_000,))
    os.truncate(file, file.stat().st_size // 2)


def _of_tomorrow(file: Path) -> None:
    with closing(sqlite3.connect(file)) as rows:
        rows.execute("PRAGMA user_version = 999")


BREAKS: dict[str, Breaks] = {
    "empty": _sized(0),
    "zeros": _sized(4096),
    "huge": _sized(LARGEST + 1),
    "no UTF-8": lambda file: file.write_bytes(b"\xff\xfe{}" * 100),
    "text": lambda file: file.write_text("this is no database, and no key" * 50),
    "half": _half,
    "of another version": _of_tomorrow,
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link to itself": lambda file: file.symlink_to(file),
    "a link to nowhere": lambda file: file.symlink_to("/nowhere/at/all"),
}
FILES = ("state.db", "calls-today.db", "numbers.key", "unfinished/AJ_0.json")
CASES = [
    pytest.param(file, breaks, id=f"{file}, {what}")
    for file in FILES
    for what, breaks in BREAKS.items()
]


def test_there_are_as_many_cases_as_promised() -> None:
    assert len(CASES) >= 40


def broken(scene: Scene, file: str, breaks: Breaks) -> None:
    """Put something else in the place of a file of a host's state_dir."""
    path = scene.settings.state_dir / file
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    breaks(path)


@pytest.mark.parametrize(("file", "breaks"), CASES)
async def test_a_caller_is_answered_and_recorded(scene: Scene, file: str, breaks: Breaks) -> None:
    broken(scene, file, breaks)

    async def asks(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("desk", asks)
    record = await scene.over(call)
    heard_once(call, "Today is Monday.")
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.parametrize(("file", "breaks"), CASES)
async def test_a_callee_is_dialled_where_the_file_is_not_needed(
    scene: Scene, file: str, breaks: Breaks
) -> None:
    broken(scene, file, breaks)
    placed, call, record = await scene.place_to(Busy(), "talks")
    assert (placed.outcome, record.outcome) == (Outcome.BUSY, Outcome.BUSY)
    assert len(scene.exchange.ledger.of("INVITE", number=call.number)) == 1


@pytest.mark.parametrize("what", BREAKS)
async def test_a_request_with_a_key_is_dialled_once_or_refused_with_the_file(
    scene: Scene, what: str
) -> None:
    broken(scene, "state.db", BREAKS[what])
    number = a_number(scene, Busy())
    metadata = metadata_of(scene.settings, "talks", number, {}, "order-7")
    placed = await place(scene.settings, metadata)
    record = await scene.record(placed.room)
    invites = len(scene.exchange.ledger.of("INVITE", number=number))
    if what == "empty":  # as SQLite begins each
        assert (placed.outcome, record.outcome, invites) == (Outcome.BUSY, Outcome.BUSY, 1)
        return
    assert (placed.outcome, record.outcome, invites) == (Outcome.REFUSED, Outcome.REFUSED, 0)
    assert "state.db" in placed.reason
    assert record.reason == placed.reason


async def test_a_database_that_was_removed_is_made_anew(scene: Scene) -> None:
    broken(scene, "state.db", BREAKS["text"])
    number = a_number(scene, Busy())
    metadata = metadata_of(scene.settings, "talks", number, {}, "order-7")
    assert (await place(scene.settings, metadata)).outcome is Outcome.REFUSED
    (scene.settings.state_dir / "state.db").unlink()
    assert (await place(scene.settings, metadata)).outcome is Outcome.BUSY
