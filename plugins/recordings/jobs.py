"""What is to be uploaded: a file for each recording, in a folder that hosts may share."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel


class Job(BaseModel):
    """One recording."""

    file: Path
    url: str
    keep: bool
    """Whether the file stays once it is uploaded."""


class Jobs:
    """Recordings that are not uploaded yet."""

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / "uploads"

    def put(self, file: Path, url: str, *, keep: bool) -> None:
        """Add a recording, atomically and durably. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.folder / f".{file.name}-{os.getpid()}"
        try:
            with open(draft, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as job:
                job.write(Job(file=file, url=url, keep=keep).model_dump_json())
                job.flush()
                os.fsync(job.fileno())
            draft.replace(self.folder / f"{file.name}.json")
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        _keep(self.folder)

    def waiting(self) -> set[Path]:
        """Return the files of the jobs. Raises OSError."""
        return {file for file in self.folder.glob("*.json") if not file.name.startswith(".")}


@contextmanager
def claimed(file: Path) -> Iterator[Job]:
    """Lock a job against other hosts, and read it.

    Raises BlockingIOError while another host has it, FileNotFoundError if one is done with it, and
    ValueError if it is none.
    """
    with file.open("rb") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.fstat(opened.fileno()).st_nlink:
            raise FileNotFoundError(f"{file} was done between opening and claiming it")
        yield Job.model_validate_json(opened.read())


def _keep(folder: Path) -> None:
    """Sync the folder, so that a new name survives a power failure."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
