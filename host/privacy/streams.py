"""A text stream that masks what a process prints, line by line."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TextIO

LONGEST = 1 << 16
"""Maximum length of an unfinished line that is held back, in characters."""


class MaskedStream(io.TextIOBase):
    """Wraps stdout or stderr: `print`, tracebacks and third-party handlers.

    Output below Python, such as a crash in a C library, bypasses it.
    """

    def __init__(self, out: TextIO, mask: Callable[[str], str]) -> None:
        self._out, self._mask = out, mask
        self._isatty = out.isatty()  # not asked again: a serving host puts a pipe before it
        self._line = ""
        self._one_at_a_time = threading.RLock()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Encoding of the wrapped stream."""
        return self._out.encoding

    @property
    def buffer(self) -> BinaryIO:
        """The wrapped stream's bytes, which are not masked."""
        return self._out.buffer

    def reconfigure(self, **how: Any) -> None:
        """Reconfigure the wrapped stream."""
        self.flush()
        self._out.reconfigure(**how)  # type: ignore[attr-defined]

    def writable(self) -> bool:
        """Return True."""
        return True

    def isatty(self) -> bool:
        """Return whether the output goes to a terminal."""
        return self._isatty

    def fileno(self) -> int:
        """Return the wrapped stream's descriptor."""
        return self._out.fileno()

    def write(self, text: str) -> int:
        """Write complete lines, masked; hold back an unfinished one."""
        with self._one_at_a_time:
            lines, end, rest = (self._line + text).rpartition("\n")
            self._line = rest
            if end:
                self._put(self._mask(lines) + end)
            if len(rest) > LONGEST:
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Write an unfinished line too, masked."""
        with self._one_at_a_time, contextlib.suppress(ValueError):  # the stream is closed
            if self._line:
                line, self._line = self._line, ""
                self._put(self._mask(line))
            with contextlib.suppress(BrokenPipeError):
                self._out.flush()

    def _put(self, text: str) -> None:
        """Write a masked text. Raises no BrokenPipeError: the host that copies it may be gone."""
        with contextlib.suppress(BrokenPipeError):
            self._write(text)

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
        except UnicodeEncodeError:  # the terminal's encoding has no bullets
            signs = self._out.encoding
            self._out.write(text.encode(signs, "backslashreplace").decode(signs))


@contextlib.contextmanager
def printed_to_stderr(mask: Callable[[str], str]) -> Iterator[None]:
    """Send all that Python prints inside the block to stderr, masked."""
    out = sys.stderr
    if out is not None and not isinstance(out, MaskedStream):
        out = MaskedStream(out, mask)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            yield
        finally:
            if out is not None:
                out.flush()
