"""Reads the call log backwards: newest call first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from host.base.errors import HostError
from host.records.record import CallRecord

BLOCK = 1 << 20
"""Bytes read at a time."""


class CallLog:
    """A call log, and the number of its lines that are not call records."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.passed_over = 0

    def newest_first(
        self, may_fit: Callable[[bytes], bool] = lambda line: True
    ) -> Iterator[CallRecord]:
        """Yield each call's record; of several with the same id, the last written one.

        `may_fit` filters lines before they are parsed, which takes a hundred times longer. A
        missing log has no calls. Raises HostError if it can't be read.
        """
        seen: set[str] = set()
        try:
            with self.file.open("rb") as opened:
                for line in lines_from_the_end(opened):
                    record = self._record(line) if line.strip() and may_fit(line) else None
                    if record and record.id not in seen:
                        seen.add(record.id)
                        yield record
        except FileNotFoundError:
            return
        except OSError as error:
            raise HostError(f"the call log {self.file}: {error.strerror or error}") from error

    @property
    def warning(self) -> str | None:
        """A line about skipped lines; None if there are none."""
        if not self.passed_over:
            return None
        lines = "1 line" if self.passed_over == 1 else f"{self.passed_over} lines"
        return f"{lines} of {self.file} passed over: no call record of this version"

    def _record(self, line: bytes) -> CallRecord | None:
        try:
            return CallRecord.model_validate_json(line)
        except ValidationError:
            self.passed_over += 1
            return None


def lines_from_the_end(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file's lines without line ends, last one first."""
    left = file.seek(0, os.SEEK_END)
    begun = b""
    while left:
        size = min(BLOCK, left)
        left -= size
        file.seek(left)
        begun, *lines = (file.read(size) + begun).split(b"\n")
        yield from reversed(lines)
    yield begun
