"""The do-not-call list: a file with one number a line, read for every dial."""

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
"""Seconds to wait for the list's lock; the dial is refused after that."""
TRY_EVERY = 0.05


class DoNotCall:
    """The numbers that must not be dialled. `#` starts a comment."""

    def __init__(self, file: Path, *, must_exist: bool = False) -> None:
        self._file, self._must_exist = file, must_exist

    def has(self, number: str) -> bool:
        """Return whether a number is on the list. Raises HostError if the list can't be read."""
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
        """Add a number, for every process and host that reads the file.

        It is synced to disk before this returns. Raises HostError on failure.
        """
        try:
            self._append(number)
        except OSError as error:
            raise HostError(f"the number can't be put on the do-not-call list: {error}") from error

    def _read(self) -> bytes:
        opened = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            _lock(opened, fcntl.LOCK_SH)  # never reads half of a line that is being added
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
        """Make the default list private; a list named in the settings may be shared."""
        if not self._must_exist:
            with contextlib.suppress(PermissionError):
                os.fchmod(opened, 0o600)


def _lock(opened: int, how: int) -> None:
    """Lock the list. Raises TimeoutError if another process keeps the lock."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(opened, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError("another process holds its lock") from None
            time.sleep(TRY_EVERY)


def _numbers_of(content: bytes, file: Path) -> set[str]:
    """Parse the list. HostError for a malformed line, which may be a number to respect."""
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
    """Parse a line: its number, empty without one, None if malformed."""
    text = _uncommented(line)
    return as_e164(text) if text else ""


def _uncommented(line: str) -> str:
    return line.partition("#")[0].strip()


def _all_of(opened: int) -> bytes:
    size = os.fstat(opened).st_size
    return os.pread(opened, size, 0)
