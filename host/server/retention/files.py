"""Purges recordings, and records in the state_dir that could not be delivered."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path

_OF_STATE = ("webhooks/*.json", "unwritten/*.json", "unfinished/*.broken")
"""Records in the state_dir that may never be read again. Those of live calls do not match."""

_HALVES = ("webhooks/.*", "uploads/.*", "unfinished/*.part", ".numbers.key-*")
"""Temporary files in the state_dir, renamed when complete."""


def purge_recordings(
    folder: Path, before: datetime, *, live: Collection[str] = (), dry_run: bool = False
) -> int:
    """Delete recordings older than a time, and folders that are empty then; return the number.

    Keeps files that are not recordings, and those of `live` calls. Raises OSError.
    """
    found = [file for end in ("*.ogg", "*.ogg.part") for file in folder.glob(f"*-*-*/{end}")]
    old = [file for file in found if file.name.partition(".")[0] not in live]
    removed = _remove(_older(old, before), dry_run=dry_run)
    if removed and not dry_run:
        for day in {file.parent for file in old}:
            with contextlib.suppress(OSError):  # the folder is not empty
                day.rmdir()
    return removed


def purge_state(state: Path, before: datetime, *, dry_run: bool = False) -> int:
    """Delete undelivered records older than a time; return the number."""
    waiting = [file for pattern in _OF_STATE for file in state.glob(pattern)]
    return _remove(_older(waiting, before), dry_run=dry_run)


def remove_halves(state: Path, before: datetime) -> None:
    """Delete temporary files of killed processes older than a time. Raises OSError."""
    halves = [file for pattern in _HALVES for file in state.glob(pattern)]
    _remove(_older(halves, before), dry_run=False)


def live_calls(state: Path) -> set[str]:
    """Return the ids of live calls, in the spelling of their recordings' file names."""
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
