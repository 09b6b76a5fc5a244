"""Makes files of the host private to their owner."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path

FILE, FOLDER = 0o600, 0o700
"""Modes of files and folders with data of calls."""


def write_for_owner_only() -> None:
    """Set the umask of this process and its children to private files and folders."""
    os.umask(0o077)


def private_opener(path: str, flags: int) -> int:
    """Open a file, privately if it is new: for `open(opener=...)`."""
    return os.open(path, flags, FILE)


def write_whole(file: Path, content: bytes, *, sync: bool = False) -> None:
    """Write a private file atomically, so that readers never see half of it.

    `sync`: it is on the disk afterwards, and survives a power failure. Raises OSError. A killed
    process leaves `NAME.PID.part`.
    """
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with open(part, "wb", opener=private_opener) as written:
        written.write(content)
        if sync:
            written.flush()
            os.fsync(written.fileno())
    part.replace(file)
    if sync:
        keep_names(file.parent)


def private_folder(folder: Path) -> None:
    """Create a private folder, or make an existing one private.

    Raises OSError if it can't be created.
    """
    missing = takewhile(lambda each: not each.exists(), (folder, *folder.parents))
    for each in reversed([*missing]):
        each.mkdir(mode=FOLDER, exist_ok=True)
    _close(folder)


def keep_names(folder: Path) -> None:
    """Sync a folder, so that new names in it survive a power failure. Raises OSError."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def close_to_others(folders: Iterable[Path], files: Iterable[Path]) -> None:
    """Make folders with their content, and files, private; earlier hosts may have left them open.

    Missing paths and paths of other owners are skipped.
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
    """Remove the permissions of others. Symbolic links are left alone."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        mode = path.lstat().st_mode
        wanted = {stat.S_IFDIR: FOLDER, stat.S_IFREG: FILE}.get(stat.S_IFMT(mode))
        if wanted is not None and stat.S_IMODE(mode) & ~wanted:
            path.chmod(stat.S_IMODE(mode) & wanted)
