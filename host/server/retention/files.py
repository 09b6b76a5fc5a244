"""Removes old recordings, and records that wait or were put aside."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path

_OF_STATE = ("webhooks/*.json", "unwritten/*.json", "unfinished/*.broken")
"""Records in the state_dir that nobody may come for any more. Those of live calls are none."""

_HALVES = ("webhooks/.*", "unfinished/*.part", ".numbers.key-*")
"""Drafts of files in the state_dir, each of which has another name once it is whole."""


def purge_recordings(
    folder: Path, before: datetime, *, live: Collection[str] = (), dry_run: bool = False
) -> int:
    """Remove recordings of before a moment, and days that are empty then; return how many.

    What the host did not record stays, and what it records of `live` calls. Raises OSError.
    """
    found = [file for end in ("*.ogg", "*.ogg.part") for file in folder.glob(f"*-*-*/{end}")]
    old = [file for file in found if file.name.partition(".")[0] not in live]
    removed = _remove(_older(old, before), dry_run=dry_run)
    if removed and not dry_run:
        for day in {file.parent for file in old}:
            with contextlib.suppress(OSError):  # it has others
                day.rmdir()
    return removed


def purge_state(state: Path, before: datetime, *, dry_run: bool = False) -> int:
    """Remove records of before a moment that wait to be sent, or can't be; return how many."""
    waiting = [file for pattern in _OF_STATE for file in state.glob(pattern)]
    return _remove(_older(waiting, before), dry_run=dry_run)


def remove_halves(state: Path, before: datetime) -> None:
    """Remove what killed processes have left half written before a moment. Raises OSError."""
    halves = [file for pattern in _HALVES for file in state.glob(pattern)]
    _remove(_older(halves, before), dry_run=False)


def live_calls(state: Path) -> set[str]:
    """Return the calls that are under way, as their recordings are named."""
    return {re.sub(r"[^A-Za-z0-9_-]", "_", file.stem) for file in state.glob("unfinished/*.json")}


def _older(files: list[Path], before: datetime) -> Iterator[Path]:
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            if file.stat().st_mtime < before.timestamp():
                yield file


def _remove(files: Iterator[Path], *, dry_run: bool) -> int:
    number = 0
    for file in files:
        number += 1
        if not dry_run:
            file.unlink(missing_ok=True)
    return number
