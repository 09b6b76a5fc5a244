"""Closes what the host writes to everybody but its owner."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

FILE, FOLDER = 0o600, 0o700
"""Modes of all that tells of calls."""


def write_for_owner_only() -> None:
    """Have this process, and those it starts, make files and folders that others can't open."""
    os.umask(0o077)


def private_opener(path: str, flags: int) -> int:
    """Open a file so that, where it is new, nobody else can read it: for `open(opener=...)`."""
    return os.open(path, flags, FILE)


def write_whole(file: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all: others read it meanwhile.

    Raises OSError. A process that is killed leaves `NAME.part`.
    """
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with open(part, "wb", opener=private_opener) as written:
        written.write(content)
    part.replace(file)


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner may look into, and close one that is there.

    Raises OSError where it can't be made.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=FOLDER, exist_ok=True)
    _close(folder)


def keep_names(folder: Path) -> None:
    """Have new names in a folder outlive a power cut. Raises OSError."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def close_to_others(folders: Iterable[Path], files: Iterable[Path]) -> None:
    """Close folders with all that is in them, and files, which earlier hosts may have left open.

    What is not there, or is somebody else's, stays as it is.
    """
    for folder in folders:
        for each in (folder, *_below(folder)):
            _close(each)
    for file in files:
        _close(file)


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files))


def _close(path: Path) -> None:
    """Take away what others may do with a file or folder. Links lead elsewhere, and stay."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        mode = path.lstat().st_mode
        wanted = {stat.S_IFDIR: FOLDER, stat.S_IFREG: FILE}.get(stat.S_IFMT(mode))
        if wanted is not None and stat.S_IMODE(mode) & ~wanted:
            path.chmod(stat.S_IMODE(mode) & wanted)
