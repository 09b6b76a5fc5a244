"""Messages that wait to be sent: a file for each, in a folder that hosts may share."""

from __future__ import annotations

import fcntl
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Queue:
    """The messages of a folder. None leaves it before it was accepted."""

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / "webhooks"

    def put(self, id: str, body: bytes) -> None:
        """Add a message, whole or not at all, whatever kills the process or the machine."""
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
        """Make the folder. Only its owner may look into it: records hold what was said."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)

    def names(self) -> set[str]:
        """Return which messages wait."""
        try:
            return {name for name in os.listdir(self.folder) if _is_message(name)}
        except FileNotFoundError:
            return set()

    def oldest_first(self, names: set[str]) -> list[Message]:
        """Return messages in the order in which they were put, without those that are gone."""
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
        """Count the queue's length among the process's metrics."""
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
    """One message that waits."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        """Its name at the receiver."""
        return self.path.stem

    @contextmanager
    def claimed(self) -> Iterator[bytes]:
        """Keep others from sending it meanwhile, and give its body.

        Raises BlockingIOError while another host sends it, FileNotFoundError when one has. The
        claim is the kernel's: it ends with the process that has it, however that ends.
        """
        with self.path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.fstat(file.fileno()).st_nlink:
                raise FileNotFoundError(f"{self.path} was sent between opening and claiming it")
            yield file.read()

    def accepted(self) -> None:
        """Take it off the queue."""
        self.path.unlink(missing_ok=True)


def _is_message(name: str) -> bool:
    return name.endswith(".json") and not name.startswith(".")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _keep(folder: Path) -> None:
    """Have a new name outlive a power cut, too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
