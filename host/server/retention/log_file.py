"""Purges the call log while other processes write to it.

A writer locks the log (`flock`) and then checks that the file still has its name, because a purge
replaces the file.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from host.privacy import private_opener

_ENDED = re.compile(rb'"ended_at":"([^"]+)"')
"""Matches the field only: inside a JSON string its quotes would be escaped."""


def purge_log(log: Path, before: datetime, *, dry_run: bool = False) -> int:
    """Delete records of calls that ended before a time; return the number.

    A malformed line, as a full disk leaves it, is deleted with the record before it. Raises
    OSError; the log is then unchanged.
    """
    if not log.is_file():  # missing, or a pipe
        return 0
    log = log.resolve()
    if dry_run:
        with log.open("rb") as read:
            return sum(old for _, old in _judged(read, before))
    with log.open("rb") as first:
        if not any(old for _, old in _judged(first, before)):
            return 0
    draft = log.with_name(f".{log.name}.purge-{os.getpid()}")
    try:
        with _locked(log) as read, open(draft, "xb", opener=private_opener) as written:
            _give(written.fileno(), read.fileno())
            removed = 0
            for line, old in _judged(read, before):
                removed += old
                if not old:
                    written.write(line)
            written.flush()
            os.fsync(written.fileno())
            draft.replace(log)
        return removed
    finally:
        draft.unlink(missing_ok=True)


def remove_leftovers(log: Path) -> None:
    """Delete temporary files of killed purges. A running purge holds the lock."""
    if log.is_file():
        log = log.resolve()
        if any(_drafts(log)):
            with _locked(log):
                for draft in _drafts(log):
                    draft.unlink(missing_ok=True)


def _drafts(log: Path) -> Iterator[Path]:
    return log.parent.glob(f".{glob.escape(log.name)}.purge-*")


def _give(new: int, old: int) -> None:
    """Give a file the owner of another, since hosts write to it. Raises PermissionError."""
    owner = os.fstat(old)
    if os.fstat(new).st_uid != owner.st_uid:
        os.fchown(new, owner.st_uid, owner.st_gid)


@contextlib.contextmanager
def _locked(log: Path) -> Iterator[BinaryIO]:
    """Open the log with an exclusive lock."""
    while True:
        with log.open("rb") as read:
            fcntl.flock(read, fcntl.LOCK_EX)
            if is_still(read.fileno(), log):
                yield read
                return


def is_still(opened: int, log: Path) -> bool:
    """Return whether an open file still has this name."""
    try:
        return os.path.samestat(os.fstat(opened), log.stat())
    except FileNotFoundError:
        return False


def _judged(read: BinaryIO, before: datetime) -> Iterator[tuple[bytes, bool]]:
    """Yield each line of the log, and whether it is too old."""
    old = False
    for line in read:
        if found := _ENDED.search(line):
            with contextlib.suppress(ValueError):
                ended = datetime.fromisoformat(found[1].decode())
                old = (ended if ended.tzinfo else ended.replace(tzinfo=UTC)) < before
        yield line, old
