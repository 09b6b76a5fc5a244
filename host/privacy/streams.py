"""What a process prints, line by line, through a mask."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable
from typing import Any, BinaryIO, TextIO

LONGEST = 1 << 16
"""Signs of a line that are kept back until it ends."""


class MaskedStream(io.TextIOBase):
    """Stands in front of stdout or stderr: `print`, tracebacks, other people's handlers.

    What is written below Python (a crash inside of a library) never comes by here.
    """

    def __init__(self, out: TextIO, mask: Callable[[str], str]) -> None:
        self._out, self._mask = out, mask
        self._line = ""
        self._one_at_a_time = threading.RLock()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream behind."""
        return self._out.encoding

    @property
    def buffer(self) -> BinaryIO:
        """The bytes behind, for who insists on them: they are not masked."""
        return self._out.buffer

    def reconfigure(self, **how: Any) -> None:
        """Change how the stream behind writes, as a text file lets one."""
        self.flush()
        self._out.reconfigure(**how)  # type: ignore[attr-defined]

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def isatty(self) -> bool:
        """Tell whether the stream behind is a terminal."""
        return self._out.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the stream behind."""
        return self._out.fileno()

    def write(self, text: str) -> int:
        """Write whole lines, masked; keep the rest until its line ends."""
        with self._one_at_a_time:
            lines, end, rest = (self._line + text).rpartition("\n")
            self._line = rest
            if end:
                self._put(self._mask(lines) + end)
            if len(rest) > LONGEST:
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Write what there is, masked, though its line has not ended."""
        with self._one_at_a_time, contextlib.suppress(ValueError):  # it is closed
            if self._line:
                line, self._line = self._line, ""
                self._put(self._mask(line))
            self._out.flush()

    def _put(self, text: str) -> None:
        try:
            self._out.write(text)
        except UnicodeEncodeError:  # a terminal that has no bullets
            signs = self._out.encoding
            self._out.write(text.encode(signs, "backslashreplace").decode(signs))
