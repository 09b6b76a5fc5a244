"""Masks stdout and stderr below Python: what libraries and child processes write to them."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from host.privacy.numbers import BULLETS
from host.privacy.secrets import PRIVATE_KEY

LONGEST = 1 << 16
"""Maximum length of an unfinished line that is held back, in bytes."""


@contextmanager
def masked_descriptors(mask: Callable[[str], str]) -> Iterator[None]:
    """Mask descriptors 1 and 2 inside the block, line by line, for this process and its children.

    A private number may be written in parts, so an unfinished line is held back until its end.
    Children that outlive the block can't write any more. Only a crash of this process itself, with
    faulthandler enabled, still writes to stderr directly: it names files and functions.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with ExitStack() as up:
        for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
            pump = up.enter_context(_Pump(descriptor, stream.encoding, mask))
            up.callback(stream.flush)
            if descriptor == 2 and faulthandler.is_enabled():
                faulthandler.enable(pump.real)
                up.callback(faulthandler.enable, descriptor)
        yield


class _Pump:
    """Puts a pipe in the place of a descriptor, and copies what comes through it, masked."""

    def __init__(self, descriptor: int, encoding: str, mask: Callable[[str], str]) -> None:
        self._descriptor, self._encoding, self._mask = descriptor, encoding, mask
        self.real = os.dup(descriptor)
        """The descriptor that was there before."""
        self._source, into = os.pipe()
        self._stopped, self._stop = os.pipe()
        os.set_blocking(self._source, False)
        os.dup2(into, descriptor, inheritable=True)
        os.close(into)
        self._rest = b""
        self._thread = threading.Thread(
            target=self._copy, name=f"mask of descriptor {descriptor}", daemon=True
        )

    def __enter__(self) -> _Pump:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.dup2(self.real, self._descriptor, inheritable=True)
        os.close(self._stop)
        self._thread.join()
        for mine in (self._source, self._stopped, self.real):
            os.close(mine)

    def _copy(self) -> None:
        """Copy until it is stopped, and then what is in the pipe: children may keep it open."""
        waiting = select.poll()
        for each in (self._source, self._stopped):
            waiting.register(each, select.POLLIN)
        stopping = False
        while not stopping:
            stopping = self._stopped in dict(waiting.poll())
            with contextlib.suppress(BlockingIOError):
                while data := os.read(self._source, LONGEST):
                    self._take(data)
                stopping = True  # nobody can write any more
        self._put(self._rest)

    def _take(self, data: bytes) -> None:
        lines, end, self._rest = (self._rest + data).rpartition(b"\n")
        self._put(lines + end)
        if len(self._rest) > LONGEST:
            self._put(self._rest)
            self._rest = b""

    def _put(self, data: bytes) -> None:
        try:
            text = _masked(data.decode(self._encoding, "backslashreplace"), self._mask)
        except Exception as error:  # a pump that stands still would stop whoever writes
            text = f"output that can't be masked: {type(error).__name__}\n"
        left = text.encode(self._encoding, "backslashreplace")
        with contextlib.suppress(OSError):  # nobody reads it; the writers must not wait
            while left:
                left = left[os.write(self.real, left) :]


def _masked(text: str, mask: Callable[[str], str]) -> str:
    """Mask a text line by line, since one has nothing to do with the next.

    JSON objects, as log lines are, stay such.
    """
    lines = PRIVATE_KEY.sub(BULLETS, text).splitlines(keepends=True)
    return "".join(
        json.dumps(_values_masked(found, mask)) + "\n" if (found := _parsed(line)) else mask(line)
        for line in lines
    )


def _parsed(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _values_masked(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {mask(key): _values_masked(inner, mask) for key, inner in value.items()}
    if isinstance(value, list):
        return [_values_masked(inner, mask) for inner in value]
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, bool) or value is None:
        return value
    return value if mask(str(value)) == str(value) else mask(str(value))
