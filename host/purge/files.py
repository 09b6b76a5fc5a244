"""Removes old recordings, and records that wait or were put aside."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

_OF_STATE = ("webhooks/*.json", "unwritten/*.json", "unfinished/*.broken")
"""Records in the state_dir that nobody may come for any more. Those of live calls are none."""


def purge_recordings(folder: Path, before: datetime, *, dry_run: bool = False) -> int:
    """Remove recordings of before a moment, and days that are empty then; return how many.

    What the host did not record stays. Raises OSError.
    """
    old = [file for pattern in ("*.ogg", "*.ogg.part") for file in folder.glob(f"*-*-*/{pattern}")]
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
