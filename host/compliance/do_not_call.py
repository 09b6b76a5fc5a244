"""The do-not-call list: a file with one number a line, read for every dial.

Whoever takes its lock (`flock`) adds whole lines. Other programs rewrite it in place, as `cp` and
editors do, or replace it by a new file. So a list that has just been changed is not read before it
is at rest, and an opt-out is written to the file that has the name when it is on the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from host.base.errors import HostError
from host.compliance.number import as_e164

PATIENCE = 2.0
"""Seconds to wait for the list's lock, and for it to be at rest; the dial is refused after that."""
TRY_EVERY = 0.05
AT_REST = 1.0
"""Seconds without a change after which another program is not in the middle of rewriting it."""
AT_REST_UNFINISHED = 2.0
"""The same for a list that is empty or whose last line has no end: a program that a busy machine
holds up may have emptied it, or be writing it in blocks."""


class DoNotCall:
    """The numbers that must not be dialled. `#` starts a comment."""

    def __init__(self, file: Path, *, must_exist: bool = False) -> None:
        self._file, self._must_exist = file, must_exist

    def has(self, number: str) -> bool:
        """Return whether a number is on the list. Raises HostError if the list can't be read."""
        return number in self._numbers()

    def among(self, numbers: Iterable[str]) -> set[str]:
        """Return those of some numbers that are on the list. Raises HostError, as `has`."""
        return self._numbers() & {*numbers}

    def _numbers(self) -> set[str]:
        try:
            content = self._read()
        except FileNotFoundError:
            if self._must_exist:
                raise HostError(f"the do-not-call list {self._file} does not exist") from None
            return set()
        except OSError as error:
            raise HostError(f"the do-not-call list can't be read: {error}") from error
        return _numbers_of(content, self._file)

    def add(self, number: str) -> None:
        """Add a number, for every process and host that reads the file.

        It is synced to disk before this returns. Raises HostError on failure.
        """
        try:
            self._append(number)
        except OSError as error:
            raise HostError(f"the number can't be put on the do-not-call list: {error}") from error

    def _read(self) -> bytes:
        for _ in _tries():
            with self._opened(os.O_RDONLY | os.O_NONBLOCK, fcntl.LOCK_SH) as opened:
                if (content := _whole(opened)) is not None:
                    return content
        raise TimeoutError("another program is rewriting it")

    def _append(self, number: str) -> None:
        trouble: OSError = TimeoutError("another program is rewriting it")
        for _ in _tries():
            if not self._must_exist:
                self._create()
            try:
                if self._appended(number):
                    return
            except FileNotFoundError as error:  # removed just now: another one may take its place
                trouble = error
        raise trouble

    def _appended(self, number: str) -> bool:
        """Append a number to the list as it is now. Return whether it is on the disk there."""
        with self._opened(os.O_RDWR | os.O_APPEND, fcntl.LOCK_EX) as opened:
            self._close_to_others(opened)
            if not self._has_the_name(opened) or (content := _whole(opened)) is None:
                return False
            _write(opened, number, content)
            return self._has_the_name(opened)

    def _create(self) -> None:
        """Create the list, unless it is there: empty, and at rest."""
        with contextlib.suppress(FileExistsError):
            new = os.open(self._file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            os.utime(new, (0, 0))
            os.close(new)

    @contextlib.contextmanager
    def _opened(self, how: int, lock: int) -> Iterator[int]:
        """Open and lock the file that has the list's name now. Raises OSError."""
        opened = os.open(self._file, how | os.O_CLOEXEC)
        try:
            _lock(opened, lock)
            yield opened
        finally:
            os.close(opened)

    def _has_the_name(self, opened: int) -> bool:
        """Return whether the list is still this file, and no other one has replaced it."""
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(opened), self._file.stat())
        return False

    def _close_to_others(self, opened: int) -> None:
        """Make the default list private; a list named in the settings may be shared."""
        if not self._must_exist:
            with contextlib.suppress(PermissionError):
                os.fchmod(opened, 0o600)


def _tries() -> Iterator[None]:
    """Try now, and again every TRY_EVERY seconds until PATIENCE is over."""
    until = time.monotonic() + PATIENCE
    yield
    while time.monotonic() <= until:
        time.sleep(TRY_EVERY)
        yield


def _lock(opened: int, how: int) -> None:
    """Lock the list. Raises TimeoutError if another process keeps the lock."""
    for _ in _tries():
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(opened, how | fcntl.LOCK_NB)
    raise TimeoutError("another process holds its lock")


def _whole(opened: int) -> bytes | None:
    """Return the content of a locked list; None if another program may be rewriting it."""
    before = os.fstat(opened)
    content = os.pread(opened, before.st_size, 0)
    now, after = time.time(), os.fstat(opened)
    unchanged = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    rest = AT_REST if content.endswith(b"\n") else AT_REST_UNFINISHED
    return content if unchanged and abs(now - after.st_mtime) >= rest else None


def _write(opened: int, number: str, before: bytes) -> None:
    """Append a number to a locked list, unless it is there; it is on the disk then."""
    lines = before.decode(errors="replace").splitlines()
    if number in (_uncommented(line) for line in lines):
        return
    gap = "" if before.endswith(b"\n") or not before else "\n"
    line = f"{gap}{number}  # opted out {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n".encode()
    while line:
        line = line[os.write(opened, line) :]
    # Nobody needs to wait for a list that was written under its lock.
    changed = os.fstat(opened).st_mtime_ns - round(AT_REST * 1e9)
    os.utime(opened, ns=(changed, changed))
    os.fsync(opened)


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
