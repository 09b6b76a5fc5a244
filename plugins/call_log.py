"""Writes a JSON line for every call, whatever its ending."""

import asyncio
import contextlib
import fcntl
import logging
import os
import re
import stat
from pathlib import Path
from typing import Any

from host import Call, hookimpl

log = logging.getLogger("host")

WORDS = {"transcript", "tools"}
"""Fields of a record that contain speech."""
LOOK_BACK = 1 << 20
"""Bytes at the end of the log that are searched for a record before it is written again."""


@hookimpl
async def call_ended(call: Call, record: Any) -> None:
    """Append the record to the call log, or store it in the state_dir if that fails."""
    line: str = record.model_dump_json()
    # Without a job this is not the call's own process, which may have died after writing it.
    again = call.job is None
    try:
        await asyncio.to_thread(append, call.settings.call_log, line, but_not_again=again)
    except OSError as error:
        where = await asyncio.to_thread(_put_aside, call, record, line)
        log.error("%s can't be written (%s); %s", call.settings.call_log, error, where)


def _put_aside(call: Call, record: Any, line: str) -> str:
    """Store a record outside the log, and return where it is.

    If that fails too, return the record itself for the host's log, without speech.
    """
    folder = call.settings.state_dir / "unwritten"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        append(folder / f"{re.sub('[^A-Za-z0-9_-]', '_', record.id)}.json", line)
    except OSError:
        words = set() if call.settings.log_transcripts else WORDS
        return f"the call's record is {record.model_dump_json(exclude=words)}"
    return f"the call's record is in {folder}"


def append(file: Path, line: str, *, but_not_again: bool = False) -> None:
    """Append a line to a private file that several processes write to.

    `but_not_again` skips a line that is already among the last ones. A partial line left by a
    killed process or a full disk is terminated first.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    opened = _open(file)
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):  # a pipe or a terminal
            _write(opened, f"{line}\n")
            return
        with contextlib.suppress(PermissionError):  # another owner's file
            os.fchmod(opened, 0o600)
        if but_not_again and line.encode() in _last_lines(opened):
            return
        _write(opened, f"{line}\n" if _at_a_line_start(opened) else f"\n{line}\n")
        os.fsync(opened)
    finally:
        os.close(opened)


def _open(file: Path) -> int:
    """Open and lock the file, since calls end in separate processes.

    A purge may have replaced it while this waited for the lock; then the new file is opened.
    """
    while True:
        opened = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                return opened
            fcntl.flock(opened, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(opened), file.stat()):
                    return opened
        except BaseException:
            os.close(opened)
            raise
        os.close(opened)


def _at_a_line_start(file: int) -> bool:
    size = os.fstat(file).st_size
    return size == 0 or os.pread(file, 1, size - 1) == b"\n"


def _last_lines(file: int) -> list[bytes]:
    size = os.fstat(file).st_size
    return os.pread(file, LOOK_BACK, max(0, size - LOOK_BACK)).splitlines()


def _write(file: int, text: str) -> None:
    """Write the text in as few calls as possible, so that a kill leaves all of it or nothing."""
    left = text.encode()
    while left:
        left = left[os.write(file, left) :]
