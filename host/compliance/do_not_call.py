"""The do-not-call list: a file with one number a line, read anew whenever somebody is called."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from host.base.errors import HostError
from host.compliance.number import as_e164

PATIENCE = 2.0
"""Seconds to wait for somebody who has locked the list: after them nobody is called."""
TRY_EVERY = 0.05


class DoNotCall:
    """The numbers that nobody dials. A `#` begins a comment."""

    def __init__(self, file: Path, *, must_exist: bool = False) -> None:
        self._file, self._must_exist = file, must_exist

    def has(self, number: str) -> bool:
        """Tell whether a number is on the list. Raises HostError where the list can't be read."""
        try:
            content = self._read()
        except FileNotFoundError:
            if self._must_exist:
                raise HostError(f"the do-not-call list {self._file} does not exist") from None
            return False
        except OSError as error:
            raise HostError(f"the do-not-call list can't be read: {error}") from error
        return number in _numbers_of(content, self._file)

    def add(self, number: str) -> None:
        """Put a number on the list, for every process and every host that has the file.

        It is on the disk when this returns. Raises HostError where it is not.
        """
        try:
            self._append(number)
        except OSError as error:
            raise HostError(f"the number can't be put on the do-not-call list: {error}") from error

    def _read(self) -> bytes:
        opened = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            _lock(opened, fcntl.LOCK_SH)  # never half a line of somebody who opts out now
            return _all_of(opened)
        finally:
            os.close(opened)

    def _append(self, number: str) -> None:
        create = 0 if self._must_exist else os.O_CREAT
        opened = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | create, 0o600)
        try:
            _lock(opened, fcntl.LOCK_EX)
            self._close_to_others(opened)
            before = _all_of(opened)
            lines = before.decode(errors="replace").splitlines()
            if number in (_uncommented(line) for line in lines):
                return
            gap = "" if before.endswith(b"\n") or not before else "\n"
            line = f"{gap}{number}  # opted out {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n".encode()
            while line:
                line = line[os.write(opened, line) :]
            os.fsync(opened)
        finally:
            os.close(opened)

    def _close_to_others(self, opened: int) -> None:
        """Let nobody else read a list of our own; one that the settings name is also others'."""
        if not self._must_exist:
            with contextlib.suppress(PermissionError):
                os.fchmod(opened, 0o600)


def _lock(opened: int, how: int) -> None:
    """Lock the list. Raises TimeoutError where somebody else keeps it locked."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(opened, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError("another process holds its lock") from None
            time.sleep(TRY_EVERY)


def _numbers_of(content: bytes, file: Path) -> set[str]:
    """Read the list. A line that nobody understands may be a number that must not be called."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise HostError(f"{file} is not UTF-8 text") from error
    found = set()
    for at, line in enumerate(lines, 1):
        number = _number_of(line)
        if number is None:
            raise HostError(f"{file}:{at} is not an E.164 number, like +15550001111")
        found.add(number)
    return found - {""}


def _number_of(line: str) -> str | None:
    """Read one line: its number, empty where it has none, None where it is no number."""
    text = _uncommented(line)
    return as_e164(text) if text else ""


def _uncommented(line: str) -> str:
    return line.partition("#")[0].strip()


def _all_of(opened: int) -> bytes:
    size = os.fstat(opened).st_size
    return os.pread(opened, size, 0)
