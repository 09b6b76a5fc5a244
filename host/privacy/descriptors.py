"""Masks stdout and stderr below Python: what libraries and child processes write to them."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import re
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from host.privacy.numbers import BULLETS
from host.privacy.secrets import KEY_BEGINS, KEY_ENDS
from host.privacy.streams import LONGEST

LAST_LIMIT = 0.5
"""Seconds in which output that is still in the pipe is copied at the end."""
FULL_LIMIT = 1000
"""Milliseconds to wait for a reader that is slower than the host."""

_KEY_BEGINS, _KEY_ENDS = re.compile(KEY_BEGINS), re.compile(KEY_ENDS)
_KEY_IN_ONE_LINE = re.compile(rf"{KEY_ENDS}|\\n")
"""What follows the beginning of a key that is whole in its line, or escaped."""
_OF_A_KEY = re.compile(r"[\w+/=:, -]*\s*")
"""A line of a private key (RFC 7468), or of its headers."""


@contextmanager
def masked_descriptors(mask: Callable[[str], str]) -> Iterator[None]:
    """Mask descriptors 1 and 2 inside the block, line by line, for this process and its children.

    A private number may be written in parts, so an unfinished line is held back until its end.
    Children that outlive the block can no longer write. What native code of this process writes
    while it aborts is lost, except the report of an enabled faulthandler: it names only code.
    """
    with ExitStack() as up:
        for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
            if stream is None:  # the host was started without it
                continue
            stream.flush()
            pump = up.enter_context(_Pump(descriptor, stream.encoding, mask))
            up.callback(stream.flush)
            if descriptor == 2 and faulthandler.is_enabled():
                faulthandler.enable(pump.real)
                up.callback(faulthandler.enable, descriptor)
        yield


class _Pump:
    """Replaces a descriptor by a pipe, and copies what comes through it, masked.

    A thread, not a process: it has the secrets and settings of this one.
    """

    def __init__(self, descriptor: int, encoding: str, mask: Callable[[str], str]) -> None:
        self._descriptor, self._encoding = descriptor, encoding
        self._lines = _Lines(mask)
        self.real = os.dup(descriptor)
        """The descriptor that was there before."""
        self._source, self._into = os.pipe()
        self._stopped, self._stop = os.pipe()
        os.set_blocking(self._source, False)
        self._rest = b""
        self._thread = threading.Thread(
            target=self._copy, name=f"mask of descriptor {descriptor}", daemon=True
        )

    def __enter__(self) -> _Pump:
        self._thread.start()
        os.dup2(self._into, self._descriptor, inheritable=True)
        os.close(self._into)
        return self

    def __exit__(self, *_: object) -> None:
        os.dup2(self.real, self._descriptor, inheritable=True)
        os.close(self._stop)
        self._thread.join()
        for mine in (self._source, self._stopped, self.real):
            os.close(mine)

    def _copy(self) -> None:
        """Copy until stopped, and then what is in the pipe: children may keep it open."""
        waiting = select.poll()
        for each in (self._source, self._stopped):
            waiting.register(each, select.POLLIN)
        while self._stopped not in dict(waiting.poll()):
            with contextlib.suppress(BlockingIOError):
                if not self._read():
                    break
        until = time.monotonic() + LAST_LIMIT
        with contextlib.suppress(BlockingIOError):
            while time.monotonic() < until and self._read():
                pass
        self._put(self._rest)

    def _read(self) -> bool:
        """Copy what is in the pipe; False at its end. Raises BlockingIOError if it is empty."""
        data = os.read(self._source, LONGEST)
        lines, end, self._rest = (self._rest + data).rpartition(b"\n")
        self._put(lines + end)
        if len(self._rest) > LONGEST:
            self._put(self._rest)
            self._rest = b""
        return bool(data)

    def _put(self, data: bytes) -> None:
        text = self._lines.masked(data.decode(self._encoding, "backslashreplace"))
        left = text.encode(self._encoding, "backslashreplace")
        with contextlib.suppress(OSError):  # the reader is gone; writers must not block
            while left:
                try:
                    left = left[os.write(self.real, left) :]
                except BlockingIOError:
                    ready = select.poll()
                    ready.register(self.real, select.POLLOUT)
                    if not ready.poll(FULL_LIMIT):
                        return


class _Lines:
    """Masks lines one by one, since one has nothing to do with the next.

    Only private keys have several lines.
    """

    def __init__(self, mask: Callable[[str], str]) -> None:
        self._mask = mask
        self._in_key = False

    def masked(self, text: str) -> str:
        """Return whole lines, masked. JSON objects, as log lines are, stay such."""
        return "".join(map(self._line, re.findall(r"[^\n]*\n|[^\n]+", text)))

    def _line(self, line: str) -> str:
        if self._in_key:
            self._in_key = bool(_OF_A_KEY.fullmatch(line)) and not _KEY_ENDS.search(line)
            if self._in_key or _KEY_ENDS.search(line):
                return ""
        begins = _KEY_BEGINS.search(line)
        if begins and not _KEY_IN_ONE_LINE.search(line, begins.end()):
            self._in_key = True
            return self._line_alone(line[: begins.start()]) + f"{BULLETS}\n"
        return self._line_alone(line)

    def _line_alone(self, line: str) -> str:
        try:
            if found := _parsed(line):
                return json.dumps(self._values(found)) + "\n"
            return self._mask(line)
        except Exception as error:  # without this thread, every writer would block
            return f"output that can't be masked: {type(error).__name__}\n"

    def _values(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._mask(key): self._labelled(key, inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._values(inner) for inner in value]
        if isinstance(value, bool) or value is None:
            return value
        text = value if isinstance(value, str) else str(value)
        masked = self._mask(text)
        return value if masked == text else masked

    def _labelled(self, key: str, value: Any) -> Any:
        """Mask a value that its key tells to be a secret, such as `password`, altogether."""
        if isinstance(value, bool) or value is None:
            return value
        told = self._mask(f"{key}=0000").endswith("=0000")
        return self._values(value) if told else BULLETS


def _parsed(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
