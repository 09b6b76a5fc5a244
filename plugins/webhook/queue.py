"""The queue: a file for each message, in a folder that hosts may share."""

from __future__ import annotations

import fcntl
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Queue:
    """Messages in a folder. A message is deleted only when it is accepted."""

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / "webhooks"

    def put(self, id: str, body: bytes) -> None:
        """Add a message atomically and durably."""
        self.make()
        draft = self.folder / f".{id}-{os.getpid()}"
        try:
            with open(draft, "wb", opener=_private) as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.folder / f"{id}.json")
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        _keep(self.folder)

    def make(self) -> None:
        """Create the private folder: records contain speech."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)

    def names(self) -> set[str]:
        """Return the file names of waiting messages."""
        try:
            return {name for name in os.listdir(self.folder) if _is_message(name)}
        except FileNotFoundError:
            return set()

    def oldest_first(self, names: set[str]) -> list[Message]:
        """Return the messages that still exist, in queue order."""
        aged = []
        for name in names:
            path = self.folder / name
            try:
                aged.append((path.stat().st_mtime_ns, path))
            except FileNotFoundError:
                continue
        return [Message(path) for _, path in sorted(aged)]

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Export the queue's length as a metric inside the block."""
        from prometheus_client import REGISTRY, Gauge

        gauge = Gauge("host_webhooks_waiting", "Call records that are not yet accepted.")
        gauge.set_function(self._length)
        try:
            yield
        finally:
            REGISTRY.unregister(gauge)

    def _length(self) -> float:
        try:
            return len(self.names())
        except OSError:
            return math.nan


class Message:
    """A waiting message."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        """Its `webhook-id`."""
        return self.path.stem

    @contextmanager
    def claimed(self) -> Iterator[bytes]:
        """Lock the message against other senders, and yield its body.

        Raises BlockingIOError while another host sends it, FileNotFoundError if one has. The lock
        is the kernel's and ends with the process.
        """
        with self.path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.fstat(file.fileno()).st_nlink:
                raise FileNotFoundError(f"{self.path} was sent between opening and claiming it")
            yield file.read()

    def accepted(self) -> None:
        """Delete the message."""
        self.path.unlink(missing_ok=True)


def _is_message(name: str) -> bool:
    return name.endswith(".json") and not name.startswith(".")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _keep(folder: Path) -> None:
    """Sync the folder, so that a new name survives a power failure."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
